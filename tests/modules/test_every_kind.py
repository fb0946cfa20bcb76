"""What every kind of module does alike: learn, come back, and obey the switches of Lightning."""

from functools import partial

import pytest
import torch
from torch.utils.data import DataLoader

from lightning_snn import (
    LIF,
    BinaryCrossEntropy,
    ConstantCurrent,
    Dense,
    Frames,
    LeakyReadout,
    Linear,
    Maps,
    MaxCrossEntropy,
    MeanSquaredError,
    Relay,
    SpikingAutoencoder,
    SpikingClassifier,
    SpikingLayer,
    SpikingModule,
    SpikingRegressor,
    Square,
    Votes,
    pad_sequences,
)
from lightning_snn.core.tensors import leaves

pytestmark = pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no `val_dataloader`")

TRAINED = partial(Dense, gain=8.0, trainable=True)


def layers(size=24, inputs=16):
    sheet = Maps(1, 4, 4) if inputs == 16 else Square(inputs, 5.0)
    return {
        "eye": SpikingLayer(sheet, LIF(5.0) if inputs == 16 else Relay()),
        "top": SpikingLayer(Square(size, 5.0), LIF(5.0), projection=TRAINED),
    }


def images(count=48):
    """Images in [0, 1] that are bright on the left, on the right, or on both sides."""
    label, values = torch.arange(count) % 3, 0.2 * torch.rand(count, 1, 4, 4)
    values[label != 1, :, :, :2] += 0.7
    values[label != 0, :, :, 2:] += 0.7
    return values, label


def frames(steps=12, count=48):
    """Spike trains of 6 inputs, whose first half or second half is busy, and a sum over time."""
    label = torch.arange(count) % 2
    share = torch.where(torch.arange(6) < 3, label[:, None], 1 - label[:, None])
    return (torch.rand(count, steps, 6) < 0.1 + 0.5 * share[:, None]).float(), label


def padded(target):
    """Sequences of 5 to 12 steps with a target of each."""
    values, label = frames()
    samples = [(one[: 5 + i % 8], target(one[: 5 + i % 8], label[i])) for i, one in enumerate(values)]
    return DataLoader(samples, batch_size=16, collate_fn=pad_sequences)


def batches(*parts):
    return DataLoader(list(zip(*parts, strict=True)), batch_size=16)


def sides(label):
    return torch.stack([label != 1, label != 0], 1)


OPTIONS = {"seed": 0, "optimizer": partial(torch.optim.Adam, lr=0.02)}
CURRENT = partial(ConstantCurrent, 10, gain=4.0)
KINDS = {
    "classifier": (
        lambda: SpikingClassifier(layers(), CURRENT(), Linear, num_classes=3, image_size=(4, 4), **OPTIONS),
        lambda: batches(*images()),
        ("accuracy", 0.95),
    ),
    "several labels": (
        lambda: SpikingClassifier(layers(), CURRENT(), LeakyReadout, num_classes=2, image_size=(4, 4),
                                  loss=BinaryCrossEntropy(), **OPTIONS),
        lambda: batches(images()[0], sides(images()[1])),
        ("exact_match", 0.9),
    ),
    "sequences": (
        lambda: SpikingClassifier(layers(inputs=6), Frames(), LeakyReadout, num_classes=2,
                                  loss=MaxCrossEntropy(), **OPTIONS),
        lambda: padded(lambda _, label: label),
        ("accuracy", 0.95),
    ),
    "votes": (
        lambda: SpikingClassifier(layers(inputs=6), Frames(), Votes, num_classes=2, **OPTIONS),
        lambda: batches(*frames()),
        ("accuracy", 0.95),
    ),
    "regressor": (
        lambda: SpikingRegressor(layers(), CURRENT(), **OPTIONS),
        lambda: batches(images()[0], images()[0].mean((1, 2, 3))),
        ("r2", 0.5),
    ),
    "sequence regressor": (
        lambda: SpikingRegressor(layers(inputs=6), Frames(), LeakyReadout, num_outputs=2,
                                 loss=MeanSquaredError("steps"), **OPTIONS),
        lambda: padded(lambda one, _: one[:, ::3].cumsum(0) / 5),
        ("r2", 0.5),
    ),
    "autoencoder": (
        lambda: SpikingAutoencoder(layers(), CURRENT(), input_size=(4, 4), **OPTIONS),
        lambda: batches(*images()),
        ("psnr", 10.0),
    ),
}  # fmt: skip
every = pytest.mark.parametrize("kind", KINDS)


def build(kind):
    torch.manual_seed(0)
    make, load, goal = KINDS[kind]
    return make(), load(), goal


@every
def test_it_learns_and_comes_back(trainer, tmp_path, kind):
    model, loader, (name, least) = build(kind)
    fit = trainer(max_epochs=12)
    fit.fit(model, loader, loader)
    (scores,) = fit.test(model, loader, verbose=False)
    assert scores[f"test/{name}"] > least
    fit.save_checkpoint(tmp_path / "model.ckpt")
    again = SpikingModule.load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    assert type(again) is type(model)
    (found,) = trainer().test(again, loader, verbose=False)
    assert found == scores
    for one, other in zip(fit.predict(again, loader), fit.predict(model, loader), strict=True):
        assert all(map(torch.equal, leaves(one), leaves(other)))


SWITCHES = {
    "bf16-mixed": {"precision": "bf16-mixed"},
    "64-true": {"precision": "64-true"},
    "accumulate": {"accumulate_grad_batches": 2},
    "clip": {"gradient_clip_val": 0.1},
}


@every
@pytest.mark.parametrize("switch", SWITCHES)
def test_switches(trainer, kind, switch):
    found = []
    for options in ({}, SWITCHES[switch]):
        model, loader, _ = build(kind)
        before = {name: value.clone() for name, value in model.named_parameters()}
        fit = trainer(max_epochs=2, **options)
        fit.fit(model, loader, loader)
        found.append(fit.callback_metrics["train/loss"].float())
        assert found[-1].isfinite()
        for name, value in model.named_parameters():
            assert value.requires_grad == (not torch.equal(value, before[name].to(value))), name
    torch.testing.assert_close(*found, rtol=0.5, atol=0.05)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of itself
@pytest.mark.parametrize("kind", ["sequence regressor"])
def test_compiled(trainer, kind):
    found = []
    for compiled in (False, True):
        model, loader, _ = build(kind)
        fit = trainer(max_epochs=1)
        fit.fit(torch.compile(model, backend="eager") if compiled else model, loader)
        found.append(fit.callback_metrics["train/loss"])
    torch.testing.assert_close(*found)


def test_targets_of_a_regressor_may_lie_anywhere_in_memory():
    model = SpikingRegressor(layers(), CURRENT(), num_outputs=3, **OPTIONS)
    target = torch.rand(8, 5, 3)
    scores, wanted = model.compared(torch.rand(8, 3), target[:, 2], None)
    metric = model.metrics()["mse"]
    assert metric(scores, wanted) == pytest.approx((scores - target[:, 2]).square().mean().item())
