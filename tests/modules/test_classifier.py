"""The classifier: what it stores, caches, trains, measures and refuses."""

import subprocess
import sys
from functools import partial

import pytest
import torch
from helpers.expected_warnings import UNWIRED
from helpers.tensors import assert_same
from lightning.pytorch.callbacks import LambdaCallback, ModelCheckpoint
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.functional.classification import multiclass_f1_score

from lightning_snn import (
    LIF,
    MLP,
    ClassAssignment,
    ConstantCurrent,
    Dense,
    ExtremeLearningMachine,
    Linear,
    LocalReadout,
    Poisson,
    Readout,
    Relay,
    Ridge,
    SpikingClassifier,
    SpikingDelta,
    SpikingLayer,
    Torus,
)
from lightning_snn.data import Batch

pytestmark = UNWIRED


class Eager(Readout):
    """A readout from outside the package."""

    def __init__(self, in_features, num_classes, *, gain=1.0):
        super().__init__(in_features, num_classes)
        self.output = torch.nn.Linear(in_features, num_classes)
        self.gain = gain

    def forward(self, features):
        return self.gain * self.output(features)


def part(dataset, count=None):
    return dataset[torch.arange(count or len(dataset))]


def predictions(model, dataset):
    training = model.training
    model.eval()
    with torch.no_grad():
        scores = model(part(dataset).image)
    model.train(training)
    return scores


@pytest.fixture
def fitted(classifier, phase, trainer, data):
    """``fitted(layers, epochs=..., **options)``: a wired and trained model, and its Trainer."""

    def run(layers=None, epochs=2, **options):
        model = classifier(layers, **options)
        fit = trainer(phase(), max_epochs=epochs)
        fit.fit(model, data)
        return model, fit

    return run


def is_plain(value):
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(is_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"readout": MLP, "controls": ["random", "grid", "pixels"], "tau_trace": 5.0, "cache": False},
        {"readout": partial(ExtremeLearningMachine, num_hidden=50, seed=3), "encoder": Poisson(10, seed=0)},
        {"readout": partial(Eager, gain=2.0)},
        {"scheduler": partial(torch.optim.lr_scheduler.StepLR, step_size=1)},
    ],
)
def test_comes_back_from_a_checkpoint(fitted, data, tmp_path, options):
    model, trainer = fitted(**options)
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    torch.manual_seed(123)
    loaded = SpikingClassifier.load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    assert torch.equal(predictions(loaded, data.test_set), predictions(model, data.test_set))
    assert is_plain(dict(model.hparams))
    assert is_plain(dict(loaded.hparams))
    assert type(loaded.configure_optimizers()) is type(model.configure_optimizers())


class Mine(SpikingClassifier):
    pass


def test_a_subclass_comes_back_as_itself(trainer, tmp_path, retina, pooling):
    model = Mine({"retina": retina(), "lgn": pooling()}, num_classes=4, image_size=(8, 8))
    run = trainer()
    run.strategy.connect(model)
    run.save_checkpoint(tmp_path / "model.ckpt")
    assert type(Mine.load_from_checkpoint(tmp_path / "model.ckpt")) is Mine


LOAD = """
import sys, torch
torch.set_num_threads(1)
from lightning_snn import SpikingClassifier
model = SpikingClassifier.load_from_checkpoint(sys.argv[1], weights_only=True).eval()
images, expected = torch.load(sys.argv[2])
with torch.no_grad():
    print(torch.equal(model(images), expected))
"""


@pytest.mark.slow
def test_comes_back_in_another_process(fitted, data, tmp_path):
    model, trainer = fitted(readout=MLP)
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    torch.save((part(data.test_set).image, predictions(model, data.test_set)), tmp_path / "scores.pt")
    files = [str(tmp_path / "model.ckpt"), str(tmp_path / "scores.pt")]
    done = subprocess.run([sys.executable, "-c", LOAD, *files], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr


@pytest.mark.parametrize("key", ["optimizer", "scheduler", "readout"])
def test_a_lambda_cannot_be_stored(classifier, key):
    with pytest.raises(ValueError, match=rf"{key} cannot be stored in a checkpoint: .*functools.partial"):
        classifier(**{key: lambda *_: None})


@pytest.mark.parametrize("precision", ["32-true", "64-true", "bf16-mixed"])
def test_cached_features_equal_fresh_ones(classifier, phase, trainer, data, precision):
    options = {"controls": ["random", "grid"], "tau_trace": 5.0, "encoder": Poisson(10, amplitude=60.0)}
    models = [classifier(cache=cache, **options) for cache in (True, False)]
    results = []
    for model in models:
        fit = trainer(phase(), max_epochs=2, precision=precision)
        fit.fit(model, data)
        results.append(dict(fit.callback_metrics))
    cached, fresh = (model.state_dict() for model in models)
    for name, value in fresh.items():
        assert torch.equal(cached[name], value), name
    assert results[0].keys() == results[1].keys()
    for name, value in results[1].items():
        assert torch.equal(results[0][name], value), name


@pytest.mark.parametrize("precision", ["16-true", "bf16-true"])
def test_half_precision_is_refused_before_anything_runs(classifier, phase, trainer, data, precision):
    message = rf"trainer.precision must be one of 32-true, 64-true, 16-mixed, bf16-mixed, got {precision}"
    for callbacks in ([phase()], []):
        with pytest.raises(ValueError, match=message):
            trainer(*callbacks, precision=precision).fit(classifier(), data)
    for stage in ("validate", "test", "predict"):
        with pytest.raises(ValueError, match=message):
            getattr(trainer(precision=precision), stage)(classifier(), data)


@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed"])
def test_other_precisions_wire_the_same(classifier, phase, trainer, data, precision):
    models = [classifier(controls=["random", "pixels"]) for _ in range(2)]
    for model, chosen in zip(models, ["32-true", precision], strict=True):
        fit = trainer(phase(), max_epochs=2, precision=chosen)
        fit.fit(model, data)
        fit.test(model, data, verbose=False)
    weights = [model.network.projections["lgn"].weight for model in models]
    torch.testing.assert_close(weights[1].float(), weights[0], rtol=1e-4, atol=1e-4)
    assert models[1].confusion.compute().trace() > 12  # chance: 7 or 8


class Watched(SpikingClassifier):
    """Counts the presentations of each stage."""

    def on_fit_start(self):
        self.shown = {"sanity": 0, "train": 0, "val": 0, "table": 0}

    def present(self, images, **options):
        trainer = self._trainer
        if trainer is not None and trainer.state.fn == "fit":
            stage = "sanity" if trainer.sanity_checking else "val" if trainer.validating else "train"
            if self._table is None and stage == "train":
                stage = "table"
            self.shown[stage] += len(images)
        return super().present(images, **options)


def test_every_image_is_shown_once(retina, pooling, phase, trainer, data):
    layers = {"retina": retina(), "lgn": pooling()}
    model = Watched(layers, ConstantCurrent(10, gain=60.0), Linear, num_classes=4, image_size=(8, 8))
    trainer(phase(), max_epochs=3, num_sanity_val_steps=2).fit(model, data)
    # the sanity check, which sees the unwired network, has its own presentations
    assert model.shown == {"sanity": 30, "train": 0, "val": 0, "table": 90}
    assert model._table is None  # freed


def test_what_is_cached(classifier, retina, pooling):
    trained = pooling(projection=partial(Dense, trainable=True))
    assert classifier().cache
    assert classifier(encoder=Poisson(10)).cache
    assert not classifier(encoder=Poisson(10, seed=None)).cache
    assert not classifier({"retina": retina(noise=1.0), "lgn": pooling()}).cache
    assert not classifier({"retina": retina(), "lgn": trained}).cache
    assert not classifier(cache=False).cache


def test_surrogate_gradients_train_the_network(classifier, retina, pooling, trainer, data):
    dense = partial(Dense, trainable=True, gain=5.0)
    losses = {}
    for trainable in (True, False):
        layers = {
            "retina": retina(),
            "lgn": pooling(40, projection=partial(dense, trainable=trainable)),
        }
        model = classifier(layers, optimizer=partial(torch.optim.Adam, lr=0.01))
        before = model.network.projections["lgn"].weight.detach().clone()
        first = F.cross_entropy(predictions(model, data.train_set), part(data.train_set).label)
        trainer(max_epochs=8).fit(model, data)
        moved = (model.network.projections["lgn"].weight.detach() - before).abs().mean().item()
        assert (moved > 1e-3) is trainable
        last = F.cross_entropy(predictions(model, data.train_set), part(data.train_set).label)
        assert last < first
        losses[trainable] = last.item()
    assert losses[True] < 0.9 * losses[False]


@pytest.mark.parametrize("readout", [Linear, partial(MLP, num_hidden=50), ExtremeLearningMachine])
def test_every_readout_learns(fitted, data, readout):
    model, trainer = fitted(readout=readout, epochs=15)
    (scores,) = trainer.test(model, data, verbose=False)
    assert scores["test/accuracy"] > 0.7  # chance: 0.25


def test_a_readout_without_gradients_learns_in_one_epoch_and_is_saved(
    classifier, phase, trainer, data, tmp_path
):
    model = classifier(readout=ClassAssignment, controls=["random", "pixels"])
    fit = trainer(phase(), ModelCheckpoint(tmp_path, filename="last"))
    fit.fit(model, data)
    (scores,) = fit.test(model, data, verbose=False)
    assert scores["test/accuracy_pixels"] > 0.9  # chance: 0.25; a unit that pools all is no voter
    assert fit.global_step == len(data.train_dataloader())
    assert (model.readout.samples.sum(), model.readout.total.grad) == (60, None)
    again = SpikingClassifier.load_from_checkpoint(tmp_path / "last.ckpt")
    assert torch.equal(predictions(again, data.test_set), predictions(model, data.test_set))


@pytest.mark.parametrize("step", [1, 5])
def test_a_readout_in_closed_form_goes_on_in_the_midst_of_an_epoch_and_is_small_after_the_first(
    classifier, phase, trainer, data, tmp_path, step
):
    assert step % len(data.train_dataloader()) > 0

    def fitted(ckpt_path=None):
        model = classifier(readout=Ridge, controls=["random", "pixels"], seed=0)
        saving = LambdaCallback(
            on_train_batch_end=lambda run, *_: run.save_checkpoint(tmp_path / f"step={run.global_step}.ckpt"),
            on_validation_end=lambda run, _: run.save_checkpoint(
                tmp_path / f"epoch={run.current_epoch}.ckpt"
            ),
        )
        run = trainer(phase(), saving, max_epochs=2)
        run.fit(model, data, ckpt_path=ckpt_path, weights_only=True)
        return model, run

    def saved(name):
        state = torch.load(tmp_path / name, weights_only=True)["state_dict"]
        return sum(value.numel() for key, value in state.items() if key.startswith("readouts."))

    whole, _ = fitted()
    at_ends = saved("epoch=0.ckpt")
    assert saved("epoch=1.ckpt") == at_ends
    assert (saved(f"step={step}.ckpt") > at_ends) == (step == 1)  # from step 4 on nothing is learned
    resumed, run = fitted(tmp_path / f"step={step}.ckpt")
    (scores,) = run.test(resumed, data, verbose=False)
    assert scores["test/accuracy_pixels"] > 0.9  # chance: 0.25
    assert_same(whole.state_dict(), resumed.state_dict())


def test_a_readout_without_gradients_trains_nothing_below(classifier, retina, pooling):
    layers = {"retina": retina(), "lgn": pooling(projection=partial(Dense, trainable=True))}
    with pytest.raises(ValueError, match="readout: SpikingDelta learns without gradients"):
        classifier(layers, readout=SpikingDelta)


def test_scores_equal_a_plain_computation(fitted, data):
    model, trainer = fitted(epochs=4, controls=["pixels"])
    (scores,) = trainer.test(model, data, verbose=False)
    label = part(data.test_set).label
    predicted = predictions(model, data.test_set).argmax(1)
    pixels = model.readouts["pixels"](part(data.test_set).image.flatten(1)).argmax(1)
    assert scores["test/accuracy"] == pytest.approx((predicted == label).float().mean().item())
    assert scores["test/accuracy_pixels"] == pytest.approx((pixels == label).float().mean().item())
    f1 = []
    for c in range(4):
        hits = ((predicted == c) & (label == c)).sum().item()
        f1.append(2 * hits / max(1, (predicted == c).sum().item() + (label == c).sum().item()))
    assert scores["test/macro_f1"] == pytest.approx(sum(f1) / 4)
    assert f1 == pytest.approx(multiclass_f1_score(predicted, label, 4, average=None).tolist())
    expected = torch.bincount(4 * label + predicted, minlength=16).reshape(4, 4)
    assert torch.equal(model.confusion.compute(), expected)


def test_a_second_test_starts_anew(fitted, data):
    model, trainer = fitted()
    first = trainer.test(model, data, verbose=False)
    assert trainer.test(model, data, verbose=False) == first
    assert model.confusion.compute().sum() == 30


def test_activity_is_logged(fitted, data):
    model, trainer = fitted()
    (scores,) = trainer.test(model, data, verbose=False)
    with torch.no_grad():
        shown = model.present(part(data.test_set).image)
    for i, name in enumerate(["retina", "lgn"]):
        assert scores[f"test/rate_{name}"] == pytest.approx(shown.rate[:, i].mean().item())
        assert scores[f"test/sparsity_{name}"] == pytest.approx(shown.sparsity[:, i].mean().item())
        assert scores[f"test/rate_{name}"] > 5  # Hz


def test_currents_that_are_passed_on_have_a_mean_and_no_rate(classifier, retina, trainer, data):
    sheet = SpikingLayer(retina().geometry, Relay())
    above = SpikingLayer(Torus(20, 12.0), LIF(), projection=Dense)
    model = classifier({"input": sheet, "lgn": above}, encoder=ConstantCurrent(10, gain=60.0))
    (scores,) = trainer().test(model, data, verbose=False)
    seen = sheet.geometry.sample(part(data.test_set).image)
    assert scores["test/mean_activity_input"] == pytest.approx(60 * seen.mean().item(), rel=1e-5)
    assert "test/rate_input" not in scores
    assert "test/rate_lgn" in scores
    assert scores["test/sparsity_input"] == pytest.approx((seen == 0).float().mean().item())


def test_predict(fitted, data):
    model, trainer = fitted()
    batches = trainer.predict(model, data)
    scores = predictions(model, data.test_set).softmax(1)
    assert torch.cat([batch.sample for batch in batches]).tolist() == list(range(90, 120))
    assert torch.equal(torch.cat([batch.label for batch in batches]), scores.argmax(1))
    probability = torch.cat([batch.probability for batch in batches])
    torch.testing.assert_close(probability, scores.amax(1))


def plain_loader(dataset):
    """Torch's own loader, whose batches have no sample numbers."""
    batch = part(dataset)
    return DataLoader(TensorDataset(batch.image, batch.label), batch_size=20)


def test_batches_of_images_and_labels(classifier, phase, trainer, data):
    model, numbered = classifier(), classifier()
    run = trainer(phase(), max_epochs=4)
    run.fit(model, plain_loader(data.train_set), plain_loader(data.val_set))
    (scores,) = run.test(model, plain_loader(data.test_set), verbose=False)
    predicted = predictions(model, data.test_set).argmax(1)
    assert scores["test/accuracy"] == pytest.approx((predicted == part(data.test_set).label).float().mean())
    batches = run.predict(model, plain_loader(data.test_set))
    assert torch.equal(torch.cat([batch.label for batch in batches]), predicted)
    assert set(torch.cat([batch.sample for batch in batches]).tolist()) == {-1}
    trainer(phase()).fit(numbered, data)
    assert torch.equal(numbered.network.projections["lgn"].weight, model.network.projections["lgn"].weight)


@pytest.mark.parametrize("readout", [Linear, ClassAssignment, Ridge, SpikingDelta])
@pytest.mark.parametrize(
    ("images", "labels"),
    [(torch.float64, torch.int32), (torch.float32, torch.uint8), (torch.float16, torch.int16)],
)
def test_every_type_of_images_and_labels(classifier, phase, trainer, data, readout, images, labels):
    def loader(dataset, image_type, label_type):
        batch = part(dataset)
        image = batch.image.half().to(image_type)  # so that all types hold the same values
        return DataLoader(TensorDataset(image, batch.label.to(label_type)), batch_size=20)

    found = []
    for types in ((torch.float32, torch.int64), (images, labels)):
        model, run = classifier(readout=readout, controls=["pixels"]), trainer(phase(max_steps=100))
        run.fit(model, loader(data.train_set, *types), loader(data.val_set, *types))
        run.test(model, loader(data.test_set, *types), verbose=False)
        batches = run.predict(model, loader(data.test_set, *types))
        found.append([*model.state_dict().values(), model.confusion.compute(), batches[0].probability])
    for expected, value in zip(*found, strict=True):
        assert torch.equal(value, expected)


def test_a_cache_needs_blocks(classifier, phase, trainer, data):
    with pytest.raises(ValueError, match=r"model.cache = True needs loaders with `blocks`"):
        trainer(phase()).fit(classifier(cache=True), plain_loader(data.train_set), data.val_dataloader())


@pytest.mark.parametrize("stage", ["test", "predict"])
def test_an_unwired_network_is_a_warning(classifier, trainer, data, stage):
    with pytest.warns(UserWarning, match=r"layers lgn are not wired.*ckpt_path"):
        getattr(trainer(), stage)(classifier(), data)


def test_controls_have_their_own_wiring(fitted, data):
    model, trainer = fitted(controls=["random", "grid", "pixels"], epochs=10)
    (scores,) = trainer.test(model, data, verbose=False)
    own = model.network.projections["lgn"]
    weights = {name: control.projections["lgn"].weight for name, control in model.controls.items()}
    assert weights.keys() == {"random", "grid"}
    assert torch.equal(weights["random"].sort(1).values, own.weight.sort(1).values)  # same fan-in, moved
    assert not torch.equal(weights["random"], own.weight)
    fan_in = round(own.connected.sum(1).float().mean().item())
    grid = model.controls["grid"].projections["lgn"]
    assert grid.connected.sum(1).tolist() == [fan_in] * 20
    for name in ("random", "grid", "pixels"):
        assert scores[f"test/accuracy_{name}"] > 0.5  # chance: 0.25


def test_controls_change_nothing(classifier, phase, trainer, data):
    alone, beside = classifier(), classifier(controls=["grid", "pixels"])
    beside.readout.load_state_dict(alone.readout.state_dict())
    for model in (alone, beside):
        trainer(phase()).fit(model, data)
    for name, value in alone.network.state_dict().items():
        assert torch.equal(beside.network.state_dict()[name], value), name
    for name, value in alone.readout.state_dict().items():
        torch.testing.assert_close(beside.readout.state_dict()[name], value, msg=lambda m: m)


def test_the_scheduler_steps_every_epoch(classifier, phase, trainer, data):
    model = classifier(
        optimizer=partial(torch.optim.SGD, lr=1.0),
        scheduler=partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5),
    )
    fit = trainer(phase(), max_epochs=3)
    fit.fit(model, data)
    assert fit.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.125)


def test_the_learning_rate_is_the_optimizers(classifier):
    model = classifier()
    assert model.lr == model.configure_optimizers().param_groups[0]["lr"] == 0.05
    model = classifier(
        optimizer=torch.optim.Adam, scheduler=partial(torch.optim.lr_scheduler.StepLR, step_size=1)
    )
    assert model.lr == 1e-3
    model.lr = 0.2
    found = model.configure_optimizers()
    assert model.lr == found["optimizer"].param_groups[0]["lr"] == 0.2
    assert found["lr_scheduler"]["scheduler"].base_lrs == [0.2]
    with pytest.raises(ValueError, match=r"lr must be a finite number above 0, got -1\.0"):
        model.lr = -1.0


def test_the_optimizer_gets_no_plastic_weight(classifier):
    model = classifier()
    (group,) = model.configure_optimizers().param_groups
    assert {tuple(p.shape) for p in group["params"]} == {(4, 20), (4,)}


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(2, 1, 9, 8), r"images must be \[B, 1, 8, 8\] \(image_size\), got \[2, 1, 9, 8\]"),
        (torch.zeros(2, 3, 8, 8), r"images must be \[B, 1, 8, 8\] \(image_size\), got \[2, 3, 8, 8\]"),
        (torch.zeros(0, 1, 8, 8), r"no empty dimension"),
        (
            torch.full((2, 1, 8, 8), float("nan")),
            r"finite values in \[0, 1\] for Poisson, got .* nan",
        ),
        (torch.full((2, 1, 8, 8), 255.0), r"finite values in \[0, 1\] for Poisson, got values from 255 to"),
        (torch.zeros(2, 1, 8, 8, dtype=torch.uint8), "floating point"),
    ],
)
def test_wrong_images(classifier, image, message):
    with pytest.raises(ValueError, match=message):
        classifier(encoder=Poisson(10))(image)


def test_normalised_images_are_currents(classifier):
    model, image = classifier().eval(), torch.rand(2, 1, 8, 8)
    brighter = classifier(encoder=ConstantCurrent(10, gain=120.0, bias=60.0)).eval()
    with torch.no_grad():
        torch.testing.assert_close(model.present(1 + 2 * image).rate, brighter.present(image).rate)


@pytest.mark.parametrize("batch", [[torch.zeros(2, 1, 8, 8)], torch.zeros(2, 1, 8, 8)])
@pytest.mark.parametrize("step", ["training_step", "validation_step", "test_step"])
def test_a_batch_without_labels(classifier, batch, step):
    with pytest.raises(ValueError, match=r"a batch must be \(input, target\) or .*, got an input alone"):
        getattr(classifier(), step)(batch, 0)


@pytest.mark.parametrize("label", [4, -1])
@pytest.mark.parametrize("step", ["training_step", "validation_step", "test_step"])
def test_wrong_labels(classifier, label, step):
    batch = Batch(torch.zeros(2, 1, 8, 8), torch.tensor([0, label]), torch.arange(2))
    with pytest.raises(ValueError, match=r"labels must lie in 0 to 3 \(num_classes is 4\), got"):
        getattr(classifier(), step)(batch, 0)


@pytest.mark.parametrize(
    "label", [torch.tensor([0.0, 1.0]), torch.eye(4)[:2], torch.eye(4, dtype=torch.int64)[:2]]
)
@pytest.mark.parametrize("readout", [Linear, ClassAssignment, Ridge, SpikingDelta])
@pytest.mark.parametrize("step", ["training_step", "validation_step", "test_step"])
def test_labels_that_are_no_numbers_of_classes(classifier, label, readout, step):
    message = rf"labels must be the numbers of the classes, integers \[B\], got {label.dtype} of shape"
    with pytest.raises(ValueError, match=message):
        getattr(classifier(readout=readout), step)((torch.zeros(2, 1, 8, 8), label), 0)
    if issubclass(readout, LocalReadout):
        with pytest.raises(ValueError, match=message):
            readout(6, 4).learn(torch.zeros(2, 6), label, combine=lambda values: values)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["lgn"], r"its network.connections.lgn.* is \[20\], here it is \[25\]"),
        (["lgn", "cortex"], r"its .*cortex.* is absent, here it is \["),
    ],
)
def test_a_checkpoint_of_another_network(
    fitted, classifier, retina, pooling, trainer, data, tmp_path, names, message
):
    _, run = fitted()
    run.save_checkpoint(tmp_path / "model.ckpt")
    size = 25 if len(names) == 1 else 20
    other = classifier({"retina": retina()} | {name: pooling(size) for name in names})
    with pytest.raises(ValueError, match=f"the checkpoint is of another network: {message}"):
        trainer().test(other, data, ckpt_path=tmp_path / "model.ckpt", weights_only=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_classes": 0}, "num_classes must be .* above 0, got 0"),
        ({"controls": ["gird"]}, "controls must be one of grid, initial, pixels, random, got 'gird'"),
        ({"controls": ["grid", "grid"]}, "controls must differ"),
    ],
)
def test_wrong_options(classifier, options, message):
    with pytest.raises(ValueError, match=message):
        classifier(**options)
