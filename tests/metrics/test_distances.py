"""Distances of spike trains: textbook values, the classical programme, the integral."""

import math

import pytest
import torch

from lightning_snn.metrics import (
    VanRossumDistance,
    VictorPurpuraDistance,
    van_rossum_distance,
    victor_purpura_distance,
)


def cheapest(one, other, cost):
    """The least cost of turning times into others, by the dynamic programme of the paper."""
    row = [float(j) for j in range(len(other) + 1)]
    for i, time in enumerate(one):
        new = [i + 1.0]
        for j, goal in enumerate(other):
            new.append(min(row[j + 1] + 1, new[j] + 1, row[j] + cost * abs(time - goal)))
        row = new
    return row[-1]


def trains(share, *shape, seed=0, dtype=torch.float64):
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < share).to(dtype)


def times(train, dt):
    return [dt * t for t, spike in enumerate(train.tolist()) if spike]


@pytest.mark.parametrize("cost", [0.0, 0.02, 0.07, 0.25, 0.5, 1.0, 1.7, 2.0, 5.0])
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_victor_purpura_is_the_classical_programme(cost, dt):
    spikes, target = trains(0.2, 40, 4, 3), trains(0.15, 40, 4, 3, seed=1)
    found = victor_purpura_distance(spikes, target, cost=cost, dt=dt)
    for b in range(4):
        for n in range(3):
            expected = cheapest(times(spikes[:, b, n], dt), times(target[:, b, n], dt), cost)
            assert found[b, n].item() == pytest.approx(expected, abs=1e-9)
    torch.testing.assert_close(found, victor_purpura_distance(target, spikes, cost=cost, dt=dt))
    assert not victor_purpura_distance(spikes, spikes, cost=cost, dt=dt).any()


def test_the_gradient_of_victor_purpura_is_a_potential():
    spikes, target = trains(0.2, 60, 5, 4).requires_grad_(), trains(0.2, 60, 5, 4, seed=1)
    victor_purpura_distance(spikes, target, cost=0.3, dt=0.5).sum().backward()
    potential = spikes.grad
    assert potential.abs().max() == 1
    assert potential.diff(dim=0).abs().max() == pytest.approx(0.15)


def test_a_distance_bounds_what_any_potential_gives():
    """The dual problem on graded trains, against many potentials that obey its constraints."""
    spikes, target = torch.rand(30, 1, 1).double(), torch.rand(30, 1, 1).double()
    best = victor_purpura_distance(spikes, target, cost=0.2).item()
    walks = (0.2 * (2 * torch.rand(30, 2000).double() - 1)).cumsum(0).clamp(-1, 1)
    assert ((walks * (spikes - target)[:, :, 0]).sum(0) <= best + 1e-12).all()


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_van_rossum_of_textbook_trains(dt):
    one = torch.zeros(3000, 1, 3, dtype=torch.float64)
    one[100, :, 0] = 1  # a spike more
    one[100, :, 1] = 1  # a spike elsewhere, far away
    one[100, :, 2] = 1  # a spike 20 steps later
    other = torch.zeros_like(one)
    other[2900, :, 1] = 1
    other[120, :, 2] = 1
    found = van_rossum_distance(one, other, tau=2.0, dt=dt)[0]
    near = 1 - math.exp(-20 * dt / 2.0)
    torch.testing.assert_close(found, torch.tensor([0.5, 1.0, near], dtype=torch.float64), rtol=1e-9, atol=0)


def test_van_rossum_is_the_integral():
    spikes, target, dt, tau = trains(0.2, 25, 1, 1), trains(0.2, 25, 1, 1, seed=1), 0.5, 4.0
    fine = torch.arange(0, 100, 0.001, dtype=torch.float64) + 0.0005
    trace = 0
    for sign, train in ((1, spikes), (-1, target)):
        for time in times(train[:, 0, 0], dt):
            trace = trace + sign * (fine >= time) * torch.exp(-(fine - time) / tau)
    expected = (trace**2).sum() * 0.001 / tau
    found = van_rossum_distance(spikes, target, tau=tau, dt=dt)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_metrics_are_means():
    spikes, target = (
        trains(0.3, 20, 6, 3, dtype=torch.float32),
        trains(0.3, 20, 6, 3, seed=1, dtype=torch.float32),
    )
    for metric, found in (
        (VanRossumDistance(5.0, dt=0.5), van_rossum_distance(spikes, target, tau=5.0, dt=0.5)),
        (VictorPurpuraDistance(0.2, dt=0.5), victor_purpura_distance(spikes, target, cost=0.2, dt=0.5)),
    ):
        metric.update(spikes[:, :2], target[:, :2])
        metric.update(spikes[:, 2:], target[:, 2:])
        torch.testing.assert_close(metric.compute(), found.mean())


@pytest.mark.parametrize("distance", [
    lambda s, t: van_rossum_distance(s, t, tau=5.0), lambda s, t: victor_purpura_distance(s, t, cost=0.1),
])  # fmt: skip
def test_trains_that_differ_in_shape(distance):
    with pytest.raises(
        ValueError, match=r"must be \[T, B, N\], alike .* got shapes \[3, 1, 2\] and \[3, 1, 1\]"
    ):
        distance(torch.zeros(3, 1, 2), torch.zeros(3, 1, 1))
