"""Losses: their gradients, samples of different lengths, and which readouts they fit."""

import math

import pytest
import torch
from torch.nn import functional as F

from lightning_snn import (
    BinaryCrossEntropy,
    ClassAssignment,
    CrossEntropy,
    LatencyCrossEntropy,
    LeakyReadout,
    Linear,
    MaxCrossEntropy,
    MeanSquaredError,
    SpikingReadout,
    StepCrossEntropy,
    VanRossum,
    VictorPurpura,
    Votes,
)
from lightning_snn.losses.latency_cross_entropy import first_spike_latency

LOSSES = [
    CrossEntropy(3.0, label_smoothing=0.1),
    MaxCrossEntropy(),
    LatencyCrossEntropy(4.0),
    StepCrossEntropy(0.2, phi=0.5),
    BinaryCrossEntropy(),
    MeanSquaredError(),
    MeanSquaredError("last"),
    MeanSquaredError("steps"),
    VanRossum(3.0),
    VictorPurpura(0.3),
]
LABELLED = (CrossEntropy, MaxCrossEntropy, LatencyCrossEntropy, StepCrossEntropy)
NAMES = [type(loss).__name__ + getattr(loss, "compared", "") for loss in LOSSES]
LENGTHS = torch.tensor([7, 2, 5, 1])

every = pytest.mark.parametrize("loss", LOSSES, ids=NAMES)


def case(loss, *, steps=7, batch=4, classes=3, dtype=torch.float64):
    """Outputs in (0, 1), where all losses take them, and a target."""
    output = 0.05 + 0.9 * torch.rand(steps, batch, classes, dtype=dtype)
    if isinstance(loss, LABELLED):
        return output, torch.arange(batch) % classes
    if getattr(loss, "compared", "") == "steps" or isinstance(loss, VanRossum | VictorPurpura):
        return output, (torch.rand(batch, steps, classes) < 0.3).to(dtype)
    return output, (torch.rand(batch, classes) < 0.5).to(dtype)


@every
@pytest.mark.parametrize("dt", [0.5, 1.0])
def test_gradients_are_those_of_finite_differences(loss, dt):
    output, target = case(loss)
    for lengths in (None, LENGTHS):
        values = output.clone().requires_grad_()
        assert torch.autograd.gradcheck(lambda x: loss(x, target, dt=dt, lengths=lengths), values)  # noqa: B023
        loss(values, target, dt=dt, lengths=lengths).backward()
        assert values.grad.any()


@every
def test_padding_counts_nothing(loss):
    output, target = case(loss)
    padded = loss(output, target, dt=0.5, lengths=LENGTHS)
    alone = []
    for i, steps in enumerate(LENGTHS.tolist()):
        wanted = target[i : i + 1, :steps] if target.ndim == 3 else target[i : i + 1]
        alone.append(loss(output[:steps, i : i + 1], wanted, dt=0.5))
        scores = loss.scores(output, dt=0.5, lengths=LENGTHS)[i]
        scores = scores[:steps] if scores.ndim == 2 else scores
        torch.testing.assert_close(scores, loss.scores(output[:steps, i : i + 1], dt=0.5)[0])
    torch.testing.assert_close(padded, torch.stack(alone).mean())


@every
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_one_step_of_one_sample_in_any_format(loss, dtype):
    output, target = case(loss, steps=1, batch=1, dtype=torch.float64)
    values = output.to(dtype).requires_grad_()
    found = loss(values, target, dt=0.1)
    found.backward()
    torch.testing.assert_close(found.double(), loss(output, target, dt=0.1), rtol=0.02, atol=0.01)
    assert values.grad.isfinite().all()


def test_each_is_what_its_formula_says():
    torch.manual_seed(1)
    output, label = torch.randn(6, 4, 3), torch.tensor([0, 2, 1, 1])
    by_hand = F.cross_entropy(2 * output.mean(0), label)
    torch.testing.assert_close(CrossEntropy(2.0)(output, label, dt=1.0), by_hand)
    torch.testing.assert_close(CrossEntropy(2.0)(output.mean(0), label, dt=1.0), by_hand)
    assert MaxCrossEntropy()(output, label, dt=1.0) == F.cross_entropy(output.max(0).values, label)
    steps = torch.stack([F.cross_entropy(now, label) for now in output]).mean()
    near = F.mse_loss(output, torch.full_like(output, 0.7))
    found = StepCrossEntropy(0.25, phi=0.7)(output, label, dt=1.0)
    torch.testing.assert_close(found, 0.75 * steps + 0.25 * near)
    target = torch.rand(4, 3)
    assert MeanSquaredError("last")(output, target, dt=1.0) == F.mse_loss(output[-1], target)
    several = (target > 0.5).long()
    torch.testing.assert_close(
        BinaryCrossEntropy()(output, several, dt=1.0),
        F.binary_cross_entropy(output.mean(0).sigmoid(), several.float()),
    )


@pytest.mark.parametrize("dt", [0.5, 1.0])
def test_the_latency_is_that_of_the_first_spike(dt):
    spikes = (torch.rand(20, 3, 4) < 0.1).float()
    spikes[:, 0, 0] = 0
    first = [[next((t for t in range(20) if spikes[t, b, c]), 20) for c in range(4)] for b in range(3)]
    torch.testing.assert_close(first_spike_latency(spikes, dt=dt), dt * torch.tensor(first).float())


def test_the_gradient_of_a_latency_is_that_of_its_mean():
    spikes = torch.tensor([0.0, 0.0, 1.0, 0.0, 1.0, 0.0]).view(6, 1, 1).requires_grad_()
    first_spike_latency(spikes, dt=1.0).sum().backward()
    assert spikes.grad.flatten().tolist() == [-2.0, -1.0, -2.0, 0.0, 0.0, 0.0]


def test_a_missing_spike_draws_others_that_are_near():
    silent = torch.zeros(9, 1, 1, requires_grad=True)
    target = torch.zeros(1, 9, 1)
    target[:, 4] = 1
    VictorPurpura(0.5)(silent, target, dt=1.0).backward()
    assert silent.grad.flatten().tolist() == [0, 0, 0, -0.5, -1, -0.5, 0, 0, 0]


@pytest.mark.parametrize(
    ("loss", "readout", "message"),
    [
        (
            LatencyCrossEntropy(),
            Linear,
            r"takes spikes over time .*SpikingReadout or Votes.*Linear.* \[B, C\]",
        ),
        (LatencyCrossEntropy(), LeakyReadout, "LeakyReadout, which gives potentials over time"),
        (MaxCrossEntropy(), Votes, "takes potentials over time .* Votes, which gives spikes over time"),
        (StepCrossEntropy(), ClassAssignment, "takes outputs over time .* control_readouts.a is ClassAssig"),
        (MeanSquaredError("steps"), Linear, "takes outputs over time"),
    ],
)
def test_a_loss_that_does_not_fit_its_readout(loss, readout, message):
    with pytest.raises(ValueError, match=f"loss: {type(loss).__name__} .*{message}"):
        loss.check(readout(6, 3), key="control_readouts.a")


def test_a_loss_that_fits():
    for loss in (CrossEntropy(), BinaryCrossEntropy(), MeanSquaredError()):
        for readout in (Linear, LeakyReadout, SpikingReadout, Votes):
            loss.check(readout(6, 3))
    StepCrossEntropy().check(LeakyReadout(6, 3))
    VanRossum().check(Votes(6, 3))


@pytest.mark.parametrize(
    ("loss", "shape", "message"),
    [
        (MeanSquaredError(), (4, 7, 3), r"\[B, C\] = \[4, 3\], got \[4, 7, 3\]; of sequences, give compared"),
        (MeanSquaredError("steps"), (4, 3), r"\[B, T, C\] = \[4, 7, 3\].* got \[4, 3\]"),
        (BinaryCrossEntropy(), (4,), r"\[B, C\] = \[4, 3\], for each class"),
        (VanRossum(), (4, 6, 3), r"VanRossum must be \[B, T, C\]"),
        (VictorPurpura(), (7, 4, 3), r"VictorPurpura must be \[B, T, C\]"),
    ],
)
def test_a_target_of_another_shape(loss, shape, message):
    with pytest.raises(ValueError, match=message):
        loss(torch.rand(7, 4, 3), torch.rand(shape), dt=1.0)


def test_a_scale_lets_rates_be_certain():
    rates = torch.tensor([[1.0, 0.0]])
    label = torch.tensor([0])
    assert CrossEntropy()(rates, label, dt=1.0) == pytest.approx(math.log(1 + math.exp(-1)))
    assert CrossEntropy(10.0)(rates, label, dt=1.0) < 1e-4
