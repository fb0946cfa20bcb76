"""Modules of networks that are no chains: inputs, connections, learning rates, losses of the user's own."""

from functools import partial

import pytest
import torch
from helpers.expected_warnings import UNWIRED
from lightning.pytorch.tuner import Tuner
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from torchmetrics import MeanSquaredError
from torchmetrics.classification import MulticlassAccuracy

from lightning_snn import (
    LIF,
    Connection,
    ConstantCurrent,
    Control,
    Dense,
    Frames,
    Linear,
    Maps,
    Poisson,
    SpikingClassifier,
    SpikingLayer,
    SpikingModule,
    Square,
    Torus,
    pad_sequences,
)

pytestmark = pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no `val_dataloader`")

trained = partial(Dense, trainable=True, gain=5.0)


def layers():
    sizes = {"eye": 49, "ear": 30, "middle": 20, "top": 12}
    return {name: SpikingLayer(Torus(size, 7.0), LIF(10.0)) for name, size in sizes.items()}


def connections():
    """Two inputs, a skip past ``middle`` and recurrence."""
    return {
        "see": Connection("eye", "middle", trained),
        "hear": Connection("ear", "middle", trained),
        "skip": Connection("eye", "top", trained),
        "up": Connection("middle", "top", trained),
        "again": Connection("top", "top", trained),
    }


def graph(kind=SpikingClassifier, **changes):
    torch.manual_seed(0)
    options = {
        "encoder": {"eye": ConstantCurrent(20, gain=10.0), "ear": Frames(5.0)},
        "readout": Linear,
        "connections": connections(),
        "num_classes": 2,
        "optimizer": partial(torch.optim.Adam, lr=0.01),
    }
    return kind(layers(), **(options | changes))


@pytest.fixture
def loader():
    """Batches ``({layer: input}, label)`` of torch's own loader; the label is in both inputs."""
    label = torch.arange(60) % 2
    eye, ear = torch.rand(60, 1, 8, 8), torch.rand(60, 20, 30)
    eye[label == 1, :, :, :4] *= 0.3
    ear[label == 1, :, :15] *= 0.3

    def collate(samples):
        eyes, ears, labels = zip(*samples, strict=True)
        return {"eye": torch.stack(eyes), "ear": torch.stack(ears)}, torch.stack(labels)

    return DataLoader(TensorDataset(eye, ear, label), batch_size=20, collate_fn=collate)


def test_two_inputs_a_skip_and_recurrence_are_trained(trainer, loader, tmp_path):
    model = graph()
    before = {name: p.weight.detach().clone() for name, p in model.network.weighted.items()}
    fit = trainer(max_epochs=8)
    fit.fit(model, loader, loader)
    for name, projection in model.network.weighted.items():
        assert (projection.weight - before[name]).abs().max() > 1e-3, name
    (scores,) = fit.test(model, loader, verbose=False)
    assert scores["test/accuracy"] > 0.9  # chance: 0.5
    assert {f"test/rate_{name}" for name in model.network.names} <= scores.keys()
    fit.save_checkpoint(tmp_path / "model.ckpt")
    again = SpikingClassifier.load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    batch, _ = next(iter(loader))
    with torch.no_grad():
        assert torch.equal(again.eval()(batch), model.eval()(batch))
    assert list(again.network.connections) == ["see", "hear", "skip", "up", "again"]
    goes_on = trainer(max_epochs=9)
    goes_on.fit(graph(), loader, ckpt_path=tmp_path / "model.ckpt", weights_only=True)
    assert goes_on.current_epoch == 9


def test_the_readout_reads_the_layer_that_it_is_told(trainer, loader):
    model = graph(read_from="middle")
    assert model.readout.in_features == 20
    fit = trainer()
    fit.fit(model, loader, loader)
    assert {name for name in fit.callback_metrics if "rate" in name} == {
        f"val/rate_{name}" for name in ("eye", "ear", "middle")
    }


def test_learning_rates_by_name(trainer, loader):
    rates = {"again": 1e-4, "readout": 0.1}
    model = graph(learning_rates=rates)
    groups = model.configure_optimizers().param_groups
    found = {group["name"]: group for group in groups}
    assert {name: group["lr"] for name, group in found.items()} == {"the others": 0.01, **rates}
    assert found["again"]["params"] == [model.network.weighted["again"].weight]
    assert {p.shape for p in found["readout"]["params"]} == {(2, 12), (2,)}
    given = [p for group in groups for p in group["params"]]
    assert len(given) == len({id(p) for p in given}) == sum(p.requires_grad for p in model.parameters())
    model.lr = 0.5
    groups = model.configure_optimizers().param_groups
    assert [group["lr"] for group in groups] == [0.5, 1e-4, 0.1]
    model.lr = 0.01
    trainer().fit(model, loader)


def test_learning_rates_of_a_control_are_those_of_the_connection(classifier, retina, pooling):
    layers = {
        "retina": retina(),
        "lgn": pooling(),
        "top": SpikingLayer(Torus(9, 12.0), LIF(), projection=trained),
    }
    model = classifier(layers, controls=["random"], learning_rates={"top": 0.5})
    found = {group["name"]: group["params"] for group in model.configure_optimizers().param_groups}
    assert len(found["top"]) == 2
    assert {id(p) for p in found["top"]} == {
        id(model.network.weighted["top"].weight), id(model.controls["random"].projections["top"].weight)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rates": {"agian": 0.1}}, "learning_rates must be one of .*again.* got 'agian'"),
        ({"learning_rates": {"again": -1.0}}, r"learning_rates.again must be .* above 0, got -1.0"),
        ({"read_from": "tpo"}, "read_from must be one of .*top, got 'tpo'"),
        (
            {"encoder": {"eye": Frames()}},
            r"encoder must .* the input layers \['eye', 'ear'\], got",
        ),
        (
            {"connections": {"up": Connection("eye", "pot", Dense)}},
            r"connections.up.target must name a layer",
        ),
        ({"dt": 0.0}, "dt must be a finite number above 0, got 0.0"),
    ],
)
def test_wrong_names_are_one_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        graph(**options)


def test_a_rate_of_what_is_not_trained():
    model = graph(learning_rates={"eye": 0.1})
    with pytest.raises(ValueError, match=r"learning_rates.eye has nothing to train"):
        model.configure_optimizers()


def test_one_step_is_given_once():
    model = graph(dt=0.5)
    assert model.network.dt == 0.5
    assert {layer.dt for layer in model.network.layers.values()} == {0.5}


def test_one_encoder_draws_other_numbers_for_each_layer():
    two = {
        "a": SpikingLayer(Square(16, 4.0), LIF()),
        "b": SpikingLayer(Square(16, 4.0), LIF()),
        "c": layers()["top"],
    }
    joined = {name: Connection(name, "c", trained) for name in ("a", "b")}
    model = graph(
        lambda _, **options: SpikingClassifier(two, **options), encoder=Poisson(50), connections=joined
    )
    values = torch.full((1, 16), 0.5)
    one, other = (encoder(values, dt=1.0) for encoder in model.encoders.values())
    assert not torch.equal(one, other)
    assert torch.equal(one, model.encoders["a"](values, dt=1.0))


class Quiet(SpikingClassifier):
    """A loss, a measure and a cost of spikes of its own."""

    def __init__(self, *args, cost: float = 1.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.cost = cost

    def loss(self, scores, target):
        return F.multi_margin_loss(scores, target)

    def metrics(self):
        return super().metrics() | {"mean_recall": MulticlassAccuracy(self.num_classes, average="macro")}

    def regularisation(self, shown):
        return self.cost * shown.spikes["top"].mean()


def test_loss_measures_and_regularisation_are_the_users(trainer, loader):
    rates = {}
    for cost in (0.0, 20.0):
        model = graph(Quiet, cost=cost)
        batch, label = next(iter(loader))
        fit = trainer(max_epochs=4)
        fit.fit(model, loader)
        (scores,) = fit.test(model, loader, verbose=False)
        assert "test/mean_recall" in scores
        rates[cost] = scores["test/rate_top"]
        shown = model.present(batch)
        model.trainer.fit_loop.epoch_loop._results.clear()
        expected = F.multi_margin_loss(model.readout(shown.features["network"]), label)
        expected = expected + cost * shown.spikes["top"].mean()
        model.log = lambda *_, **__: None
        torch.testing.assert_close(model.training_step((batch, label), 0), expected)
    assert rates[20.0] < 0.5 * rates[0.0]


class Regressor(SpikingModule):
    """Predicts a number; no network class of its own."""

    def __init__(self, layers: dict[str, SpikingLayer], width: int = 1, **options):
        super().__init__(layers, ConstantCurrent(20, gain=10.0), Linear, width, **options)

    def loss(self, scores, target):
        return F.mse_loss(scores, target)

    def metrics(self):
        return {"mse": MeanSquaredError()}


def test_a_regression_needs_no_other_network(trainer, tmp_path):
    images = torch.rand(80, 1, 8, 8) * torch.rand(80, 1, 1, 1)
    loader = DataLoader(TensorDataset(images, images.mean((1, 2, 3))[:, None]), batch_size=20)
    chain = {"eye": layers()["eye"], "top": SpikingLayer(Torus(30, 7.0), LIF(), projection=trained)}
    model = Regressor(chain, optimizer=partial(torch.optim.Adam, lr=0.02))
    fit = trainer(max_epochs=30)
    (before,) = fit.test(model, loader, verbose=False)
    fit.fit(model, loader, loader)
    (after,) = fit.test(model, loader, verbose=False)
    assert after["test/mse"] < 0.2 * before["test/mse"]
    fit.save_checkpoint(tmp_path / "model.ckpt")
    again = SpikingModule.load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    assert type(again) is Regressor
    with torch.no_grad():
        assert torch.equal(again.eval()(images), model.eval()(images))
    assert torch.cat(fit.predict(model, DataLoader(images, batch_size=20))).shape == (80, 1)


class Mirror(SpikingModule):
    """Learns to give back what it was shown."""

    def __init__(self, layers: dict[str, SpikingLayer]):
        super().__init__(layers, ConstantCurrent(10, gain=10.0), Linear, 64)

    def target(self, batch):
        return batch.input.flatten(1)

    def loss(self, scores, target):
        return F.mse_loss(scores, target)


def test_an_input_can_be_its_own_target(trainer):
    images = torch.rand(40, 1, 8, 8)
    model = Mirror({"eye": layers()["eye"]})
    fit = trainer()
    fit.fit(model, DataLoader(images, batch_size=20))
    assert fit.callback_metrics["train/loss"] > 0


def test_what_a_module_must_say(trainer, loader):
    with pytest.raises(
        NotImplementedError, match=r"Plain must be given a loss, or define loss\(scores, target\)"
    ):
        trainer().fit(graph(Plain, num_classes=2), loader)


class Plain(SpikingModule):
    def __init__(self, layers, encoder, readout, num_classes, **options):
        super().__init__(layers, encoder, readout, num_classes, **options)


def test_sequences_of_several_lengths(trainer):
    torch.manual_seed(0)
    label = torch.arange(60) % 2
    frames = [torch.rand(5 + i % 9, 49) for i in range(60)]
    for sequence in frames[1::2]:
        sequence[:, :25] *= 0.3
    loader = DataLoader(list(zip(frames, label, strict=True)), batch_size=20, collate_fn=pad_sequences)
    chain = {"eye": layers()["eye"], "top": SpikingLayer(Torus(30, 7.0), LIF(), projection=trained)}
    model = SpikingClassifier(chain, Frames(5.0, frame_time=2.0), Linear, num_classes=2,
                              optimizer=partial(torch.optim.Adam, lr=0.02))  # fmt: skip
    fit = trainer(max_epochs=10)
    fit.fit(model, loader, loader)
    (scores,) = fit.test(model, loader, verbose=False)
    assert scores["test/accuracy"] > 0.9  # chance: 0.5
    with torch.no_grad():
        alone = model.eval()(frames[0][None])
        together = model(pad_sequences([(frames[0], 0), (frames[8], 0)])[0])
    torch.testing.assert_close(together[:1], alone)


@pytest.mark.parametrize("geometry", [Maps(3, 8, 8), Maps(3, 4, 4)])
def test_images_of_three_channels(trainer, geometry):
    images, label = torch.randn(40, 3, 8, 8), torch.arange(40) % 2
    images[:, 0] += 3.0 * label[:, None, None]
    loader = DataLoader(TensorDataset(images, label), batch_size=20)
    model = SpikingClassifier({"eye": SpikingLayer(geometry, LIF())}, ConstantCurrent(20, gain=2.0), Linear,
                              image_size=(3, 8, 8), controls=["pixels"], num_classes=2,
                              optimizer=partial(torch.optim.Adam, lr=0.02))  # fmt: skip
    fit = trainer(max_epochs=10)
    fit.fit(model, loader)
    (scores,) = fit.test(model, loader, verbose=False)
    assert scores["test/accuracy"] > 0.9  # chance: 0.5
    assert scores["test/accuracy_pixels"] > 0.9
    with pytest.raises(ValueError, match=r"images must be \[B, 3, 8, 8\] \(image_size\), got \[2, 1, 8, 8\]"):
        model(torch.rand(2, 1, 8, 8))


class Stream(IterableDataset):
    def __iter__(self):
        for number in range(40):
            label = number % 4
            yield torch.full((1, 8, 8), label / 4), label


@UNWIRED
@pytest.mark.filterwarnings("ignore:.*IterableDataset")
def test_a_stream_of_samples(classifier, phase, trainer):
    model = classifier()
    fit = trainer(phase())
    fit.fit(model, DataLoader(Stream(), batch_size=10))
    assert fit.global_step == 4
    assert model.network.weighted["lgn"].wired


def test_the_learning_rate_finder_takes_any_loader(trainer, loader):
    model = graph(learning_rates={"readout": 0.1})
    find = Tuner(trainer(max_epochs=20)).lr_find
    found = find(model, loader, num_training=20, min_lr=1e-4, max_lr=0.1, early_stop_threshold=None)
    assert len(found.results["lr"]) == 20
    model.lr = 0.02
    fit = trainer()
    fit.fit(model, loader)
    assert [group["lr"] for group in fit.optimizers[0].param_groups] == [0.02, 0.1]


def test_controls_by_name(classifier, retina, pooling):
    def sheets():
        top = SpikingLayer(Torus(9, 12.0), LIF(), projection=trained)
        return {"retina": retina(), "lgn": pooling(), "top": top}

    named = {"here": Control("random", "lgn"), "there": Control("grid"), "raw": Control("pixels")}
    model = classifier(sheets(), controls=named)
    assert list(model.readouts) == ["network", "here", "there", "raw"]
    assert model.readouts["raw"].in_features == 64
    for name in ("network", "a.b", "keys"):
        with pytest.raises(ValueError, match=f"names of controls must be identifiers.* got '{name}'"):
            classifier(sheets(), controls={name: Control("random")})
    with pytest.raises(ValueError, match=r"a connection that a rule wires, one of .*lgn.*, got 'top'"):
        classifier(sheets(), controls={"one": Control("random", "top")})
