import math

import numpy as np
import pytest
import torch
from helpers.tensors import rand

from lightning_snn import AdEx


def paper(current, dt=1e-3, refractory=0.0, v_reset=-70.6, peak=-40.4):
    """Spike times in ms by the midpoint rule for the paper's equations in steps of 1 us; ``current`` in pA.

    The constants are the paper's, in pF, nS, mV and pA.
    """
    c, g, e_l, v_t, slope, a, tau_w, b = 281.0, 30.0, -70.6, -50.4, 2.0, 4.0, 144.0, 80.5

    def rates(v, w, i):
        rise = g * slope * math.exp(min((v - v_t) / slope, 10.0))
        return (-g * (v - e_l) + rise - w + i) / c, (a * (v - e_l) - w) / tau_w

    v, w, found, free_at = e_l, 0.0, [], 0.0
    for k in range(round(current.duration / dt)):
        t = k * dt
        i = current(t)
        v1, w1 = rates(v, w, i)
        v2, w2 = rates(v + dt / 2 * v1, w + dt / 2 * w1, i)
        v = v + dt * v2 if t >= free_at else v
        w += dt * w2
        if v >= peak:
            found.append(t + dt)
            v, w, free_at = v_reset, w + b, t + dt + refractory
    return found


def held(*levels, each):
    """A current of some levels, each for ``each`` ms."""

    def current(t):
        return levels[min(int(t / each), len(levels) - 1)]

    current.duration = each * len(levels)
    return current


def times(model, current):
    steps = round(current.duration / model.dt)
    values = [current((k + 0.5) * model.dt) for k in range(steps)]
    spikes, _ = model(torch.tensor(values, dtype=torch.float64)[:, None, None])
    return (spikes.flatten().nonzero().flatten() + 1).double() * model.dt


@pytest.mark.parametrize("refractory", [0.0, 5.0])
def test_spikes_are_those_of_a_fine_solution(refractory):
    current = held(700.0, 1000.0, -200.0, 900.0, each=100.0)
    expected = paper(current, refractory=refractory)
    assert len(expected) > 8
    errors = []
    for dt in (0.1, 0.01):
        found = times(AdEx(dt=dt, refractory=refractory), current)
        assert len(found) == len(expected)
        errors.append(np.abs(found.numpy() - expected).max())
    assert errors[0] < 1.5
    assert errors[1] < 0.15


def test_adaptation_lengthens_the_intervals():
    found = times(AdEx(dt=0.05), held(800.0, each=600.0))
    intervals = found.diff()
    assert intervals[-1] > 2 * intervals[0]
    assert intervals[-1] == pytest.approx(intervals[-2].item(), rel=0.05)


def test_rheobase_without_adaptation_is_the_formula():
    """``leak (threshold - v_rest - delta)``: the least of the right side, at the threshold, is 0."""
    rheobase, model = 30.0 * (-50.4 + 70.6 - 2.0), AdEx(a=0.0, b=0.0, dt=0.1)
    assert len(times(model, held(0.99 * rheobase, each=500.0))) == 0
    assert len(times(model, held(1.01 * rheobase, each=500.0))) > 0


def test_the_exponential_is_bounded_and_gradients_are_finite():
    current = (5000 * rand(60, 2, 5)).requires_grad_()
    model = AdEx(dt=1.0, peak=20.0)
    spikes, state = model(current)
    assert spikes.any()
    (gradient,) = torch.autograd.grad(spikes.sum() + state.w.sum(), current)
    assert gradient.isfinite().all()
    assert gradient[-1].any()
    v = torch.tensor([[-30.0, 0.0, 1e4]], requires_grad=True)
    before = model.before_reset(torch.zeros(1, 3), model.rest(1, 3, v)._replace(v=v))
    (gradient,) = torch.autograd.grad(before.v.sum(), v)
    assert before.v.isfinite().all()
    assert (gradient.abs() < 3000).all()  # leak dt / capacitance e^10


def test_the_peak_is_the_highest_potential():
    with pytest.raises(ValueError, match=r"^threshold must lie below peak = -60.0, got -50.4$"):
        AdEx(peak=-60.0)
    with pytest.raises(ValueError, match=r"^v_reset must lie below peak = -40.4, got -30.0$"):
        AdEx(v_reset=-30.0)
