"""Readouts that learn from few labels: which samples they see, what they learn, and what is refused."""

from functools import partial

import pytest
import torch
from helpers.expected_warnings import OTHER_CALLBACKS, UNWIRED
from helpers.processes import on_processes
from helpers.tensors import assert_same
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from lightning_snn import MLP, ClassAssignment, Dense, Linear, SpikingClassifier, SpikingDelta
from lightning_snn.core.module_dict import ModuleDictOf
from lightning_snn.modules.few_labels import FewLabels, counts_of
from lightning_snn.readout import Readout

pytestmark = [UNWIRED, OTHER_CALLBACKS]

CONTROLS = ["random", "pixels"]


@pytest.fixture
def fitted(classifier, phase, trainer, data):
    """``fitted(epochs=..., **options)``: a model that was fitted to the quadrants, and its Trainer."""

    def run(epochs=2, **options):
        model = classifier(**{"controls": CONTROLS, **options})
        fit = trainer(phase(), max_epochs=epochs)
        fit.fit(model, data)
        return model, fit

    return run


def shown(model, batch):
    """Features of a batch, by network."""
    with torch.no_grad():
        found = model.present(batch.image).features
    return found | {"pixels": batch.image.flatten(1)}


def test_gradients_are_those_of_the_labelled_samples(fitted, classifier, data):
    model, _ = fitted(few_labels=[9])
    known = data.train_set.labelled(9)
    for name in ("network", *CONTROLS):
        loader = data.train_dataloader()
        readout = classifier(controls=CONTROLS, few_labels=[9]).few_labels.readouts["labels_9"][name]
        optimizer = torch.optim.Adam(readout.parameters(), lr=0.05)
        for batch in [*loader, *loader]:
            rows = torch.isin(batch.sample, known)
            optimizer.zero_grad()
            if rows.any():
                F.cross_entropy(readout(shown(model, batch)[name][rows]), batch.label[rows]).backward()
            else:
                for parameter in readout.parameters():
                    parameter.grad = torch.zeros_like(parameter)
            optimizer.step()
        for key, value in readout.state_dict().items():
            found = model.few_labels.readouts["labels_9"][name].state_dict()[key]
            torch.testing.assert_close(found, value, rtol=1e-4, atol=1e-5)


def test_all_labels_are_as_many_as_there_are(fitted):
    """With as many labels as training samples the further readout learns what the readout does."""
    model, _ = fitted(few_labels=60, readout=ClassAssignment)
    for name, readout in model.few_labels.readouts["labels_60"].items():
        assert_same(readout.state_dict(), model.readouts[name].state_dict())


def test_a_readout_without_gradients_sees_the_labelled_samples(fitted, data):
    model, trainer = fitted(few_labels=[8, 20], readout=ClassAssignment, epochs=1)
    whole = data.train_set[torch.arange(60)]
    for count in (8, 20):
        rows = torch.isin(whole.sample, data.train_set.labelled(count))
        for name, readout in model.few_labels.readouts[f"labels_{count}"].items():
            own = shown(model, whole)[name][rows]
            total = F.one_hot(whole.label[rows], 4).float().t() @ own
            torch.testing.assert_close(readout.total.detach(), total)
            assert readout.samples.tolist() == [count / 4] * 4
    (scores,) = trainer.test(model, data, verbose=False)
    assert scores["test_8_labels/accuracy_pixels"] > 0.5  # chance: 0.25
    part = data.test_set[torch.arange(30)]
    for name in ("network", *CONTROLS):
        predicted = model.few_labels.readouts["labels_20"][name](shown(model, part)[name]).argmax(1)
        key = "test_20_labels/accuracy" + ("" if name == "network" else f"_{name}")
        assert scores[key] == pytest.approx((predicted == part.label).float().mean().item())


@pytest.mark.parametrize("readout", [partial(Linear, standardise="feature"), SpikingDelta, MLP])
def test_batches_with_no_or_one_labelled_sample(fitted, data, readout):
    data.batch_size = 2
    model, trainer = fitted(few_labels=[1, 6], readout=readout)
    for key, value in model.state_dict().items():
        assert value.isfinite().all(), key
    (scores,) = trainer.test(model, data, verbose=False)
    assert {"test_1_labels/accuracy", "test_6_labels/accuracy_random"} <= scores.keys()


def test_statistics_are_those_of_the_labelled_samples(fitted, data):
    data.batch_size = 60
    model, _ = fitted(few_labels=[12], readout=partial(Linear, standardise="feature"), epochs=1)
    whole = data.train_set[torch.arange(60)]
    rows = torch.isin(whole.sample, data.train_set.labelled(12))
    norm = model.few_labels.readouts["labels_12"]["pixels"].norm
    torch.testing.assert_close(norm.running_mean, 0.1 * whole.image.flatten(1)[rows].mean(0))


def test_without_few_labels_nothing_is_added(fitted, classifier):
    plain, few = classifier(controls=CONTROLS), classifier(controls=CONTROLS, few_labels=[5])
    assert_same(plain.state_dict(), {k: v for k, v in few.state_dict().items() if "few_labels" not in k})
    model, _ = fitted()
    other, _ = fitted(few_labels=[5])
    assert_same(
        model.state_dict(), {k: v for k, v in other.state_dict().items() if "few_labels" not in k}
    )  # the readouts that see all labels learn the same


def test_every_readout_starts_from_weights_of_its_own(classifier):
    model = classifier(controls=CONTROLS, few_labels=[5, 6])
    starts = [model.readouts["network"], *(part["network"] for part in model.few_labels.readouts.values())]
    weights = [readout.output.weight for readout in starts]
    assert not any(
        torch.equal(one, other) for one, other in zip(weights, weights[1:] + weights[:1], strict=True)
    )


def test_comes_back_and_goes_on(classifier, phase, trainer, data, tmp_path):
    whole = classifier(few_labels=[7])
    trainer(phase(), max_epochs=2).fit(whole, data)
    trainer(phase(), ModelCheckpoint(tmp_path, filename="half"), max_epochs=1).fit(
        classifier(few_labels=[7]), data
    )
    again = classifier(few_labels=[7])
    trainer(phase(), max_epochs=2).fit(again, data, ckpt_path=tmp_path / "half.ckpt", weights_only=True)
    assert_same(again.state_dict(), whole.state_dict())
    loaded = SpikingClassifier.load_from_checkpoint(tmp_path / "half.ckpt")
    assert loaded.hparams["few_labels"] == [7]
    (scores,) = trainer().test(loaded, data, verbose=False)
    assert "test_7_labels/accuracy" in scores
    with pytest.raises(ValueError, match=r"model.few_labels: \[7\] there, None here"):
        trainer(phase(), max_epochs=2).fit(classifier(), data, ckpt_path=tmp_path / "half.ckpt")


@pytest.mark.parametrize("kind", [ClassAssignment, SpikingDelta, partial(SpikingDelta, standardise="sample")])
@pytest.mark.parametrize("known", [[0, 1, 2, 5], [0, 2], [], [4]])
def test_processes_that_see_different_numbers_of_them_learn_the_same(kind, known):
    features, target = torch.rand(8, 5), torch.arange(8) % 3

    def learn(sample, combine):
        few = FewLabels([1], lambda _: ModuleDictOf[Readout]({"network": kind(5, 3)}))
        few.known["labels_1"] = torch.tensor(known, dtype=torch.int64)
        few.learn({"network": features[sample]}, target[sample], sample, combine, epoch=0)
        return few.state_dict()

    expected = learn(torch.arange(8), lambda values: values)
    parts = on_processes([1, 1], lambda s: learn(torch.arange(s.first, 8, 2), s.sum))
    assert_same(parts[0], parts[1])
    for key, value in expected.items():
        torch.testing.assert_close(parts[0][key], value)


@pytest.mark.parametrize("known", [[0, 1, 2, 5], [0, 2], [], [4]])
def test_the_mean_gradient_over_processes_is_that_of_one(known):
    features, target = torch.rand(8, 5), torch.arange(8) % 3

    def gradients(sample, combine, processes):
        few = FewLabels([1], lambda _: ModuleDictOf[Readout]({"network": start()}))
        few.known["labels_1"] = torch.tensor(known, dtype=torch.int64)
        (loss,) = few.losses(
            {"network": features[sample]}, target[sample], sample, F.cross_entropy, combine, processes
        )
        loss.backward()
        return [parameter.grad for parameter in few.parameters()]

    weights = Linear(5, 3).state_dict()

    def start():
        readout = Linear(5, 3)
        readout.load_state_dict(weights)
        return readout

    expected = gradients(torch.arange(8), lambda values: values, 1)
    parts = on_processes([1, 1], lambda s: gradients(torch.arange(s.first, 8, 2), s.sum, 2))
    assert any(gradient.any() for gradient in expected) == bool(known)
    for one, other, whole in zip(*parts, expected, strict=True):
        torch.testing.assert_close((one + other) / 2, whole)


def test_counts():
    assert (counts_of(None), counts_of(3), counts_of([5, 3])) == ([], [3], [5, 3])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (0, "few_labels must be a whole number above 0, got 0"),
        ([3, 2.5], r"few_labels must be a whole number above 0, got 2\.5"),
        ([3, 3], r"few_labels must differ, got \[3, 3\]"),
    ],
)
def test_what_is_refused(classifier, given, message):
    with pytest.raises(ValueError, match=message):
        classifier(few_labels=given)


def test_not_above_weights_that_all_labels_train(classifier, retina, pooling):
    layers = {"retina": retina(), "lgn": pooling(projection=partial(Dense, trainable=True))}
    with pytest.raises(ValueError, match=r"few_labels must be none where weights below .*, got \[5\]"):
        classifier(layers, few_labels=[5])


def test_more_labels_than_there_are(classifier, phase, trainer, data):
    with pytest.raises(
        ValueError, match=r"model\.few_labels must be at most 60, the training images, got 61"
    ):
        trainer(phase()).fit(classifier(few_labels=[5, 61]), data)


def test_loaders_that_cannot_say_it(classifier, trainer, data, phase):
    whole = data.train_set[torch.arange(60)]
    plain = DataLoader(TensorDataset(whole.image, whole.label), batch_size=20)
    with pytest.raises(ValueError, match=r"few_labels needs a train loader that says .*, got DataLoader"):
        trainer(phase()).fit(classifier(few_labels=[5]), plain, plain)


def test_samples_without_numbers(classifier, trainer, phase, data):
    class Numberless:
        def __init__(self, loader):
            self.loader = loader
            self.labelled = loader.labelled

        def __len__(self):
            return len(self.loader)

        def __iter__(self):
            return iter([(batch.image, batch.label) for batch in self.loader])

    loader = Numberless(data.train_dataloader())
    with pytest.raises(ValueError, match="few_labels needs the numbers of the samples"):
        trainer(phase()).fit(classifier(few_labels=[5]), loader, data.val_dataloader())
