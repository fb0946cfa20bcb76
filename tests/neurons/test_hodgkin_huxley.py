from math import exp

import numpy as np
import pytest
import torch

from lightning_snn import HodgkinHuxley
from lightning_snn.neurons.hodgkin_huxley import ramp


def derivatives(v, m, h, n, i):
    """The equations of 1952, in mV from -65 mV inside, 1/ms, uA/cm2 and mS/cm2."""
    a_m, b_m = 0.1 * (v + 40) / (1 - exp(-(v + 40) / 10)), 4 * exp(-(v + 65) / 18)
    a_h, b_h = 0.07 * exp(-(v + 65) / 20), 1 / (1 + exp(-(v + 35) / 10))
    a_n, b_n = 0.01 * (v + 55) / (1 - exp(-(v + 55) / 10)), 0.125 * exp(-(v + 65) / 80)
    return (
        i - 120 * m**3 * h * (v - 50) - 36 * n**4 * (v + 77) - 0.3 * (v + 54.4),
        a_m * (1 - m) - b_m * m,
        a_h * (1 - h) - b_h * h,
        a_n * (1 - n) - b_n * n,
    )


def solution(current, time, dt=0.005):
    """Times at which v crosses 0 mV upwards, by Runge-Kutta steps of fourth order."""
    a_m, b_m, a_h, b_h = 0.1 * 25 / (exp(2.5) - 1), 4.0, 0.07, 1 / (exp(3.0) + 1)
    a_n, b_n = 0.01 * 10 / (exp(1.0) - 1), 0.125
    y, found = (-65.0, a_m / (a_m + b_m), a_h / (a_h + b_h), a_n / (a_n + b_n)), []
    for k in range(round(time / dt)):
        i, v = current(k * dt), y[0]
        one = derivatives(*y, i)
        two = derivatives(*(x + dt / 2 * d for x, d in zip(y, one, strict=True)), i)
        three = derivatives(*(x + dt / 2 * d for x, d in zip(y, two, strict=True)), i)
        four = derivatives(*(x + dt * d for x, d in zip(y, three, strict=True)), i)
        y = tuple(
            x + dt / 6 * (a + 2 * b + 2 * c + d)
            for x, a, b, c, d in zip(y, one, two, three, four, strict=True)
        )
        if v < 0 <= y[0]:
            found.append((k + 1) * dt)
    return np.array(found)


def held(value):
    return lambda _: value


def spike_times(current, time, **options):
    model = HodgkinHuxley(**options)
    values = [current(k * model.dt) for k in range(round(time / model.dt))]
    spikes, _ = model(torch.tensor(values, dtype=torch.float64)[:, None, None])
    return (spikes.flatten().nonzero().flatten() + 1).numpy() * model.dt


@pytest.mark.parametrize(
    "current", [held(10.0), lambda t: 7.0 if t < 100 else 15.0 if t < 150 else -3.0], ids=["one", "three"]
)
def test_spikes_are_those_of_a_runge_kutta_solution(current):
    expected = solution(current, 200.0)
    assert len(expected) > 8
    for dt, late in ((0.01, 0.1), (0.05, 1.0)):
        found = spike_times(current, 200.0, dt=dt)
        assert abs(len(found) - len(expected)) <= 1
        both = min(len(found), len(expected))
        assert np.abs(found[:both] - expected[:both]).max() < late


def test_it_rests_near_minus_65_mv_and_spikes_above_its_rheobase():
    model = HodgkinHuxley(dt=0.05)
    spikes, state = model(torch.zeros(4000, 1, 1, dtype=torch.float64))
    assert not spikes.any()
    assert state.v.item() == pytest.approx(-65.0, abs=0.05)
    assert len(spike_times(held(5.5), 300.0, dt=0.05)) < 3
    assert len(spike_times(held(7.0), 300.0, dt=0.05)) > 15


def test_rates_are_smooth_where_they_are_0_over_0():
    x = torch.cat([torch.linspace(-0.2, 0.2, 401, dtype=torch.float64), torch.tensor([-300.0, 0.0, 300.0])])
    x = x.double().requires_grad_()
    found = ramp(x)
    (gradient,) = torch.autograd.grad(found.sum(), x)
    exact, y = np.ones(len(x)), x.detach().numpy()
    exact[y != 0] = y[y != 0] / -np.expm1(-np.maximum(y[y != 0], -700))
    np.testing.assert_allclose(found.detach(), exact, rtol=1e-9)
    assert gradient.isfinite().all()
    assert torch.autograd.gradcheck(ramp, x[150:250].detach().requires_grad_(), rtol=1e-4)


def test_gradients_are_finite_at_the_singular_potentials_and_far_from_rest():
    v = torch.tensor([[-40.0, -55.0, -1e6, 1e6, -65.0]], requires_grad=True)
    model = HodgkinHuxley(dt=0.1)
    rest = model.rest(1, 5, v)
    spikes, state = model(torch.zeros(1, 1, 5), rest._replace(v=v))
    (gradient,) = torch.autograd.grad(spikes.sum() + sum(x.sum() for x in state), v)
    assert all(x.isfinite().all() for x in (*state, gradient))
    assert gradient[0, [0, 1, 4]].all()


def test_a_long_stay_above_the_threshold_is_one_spike():
    state = HodgkinHuxley().rest(1, 1, torch.zeros(1))._replace(v=torch.full((1, 1), -1.0))
    spikes, end = HodgkinHuxley(dt=0.1, g_k=0.0, g_leak=0.01)(torch.full((20, 1, 1), 50.0), state)
    assert end.v > 0
    assert spikes.sum() == 1
