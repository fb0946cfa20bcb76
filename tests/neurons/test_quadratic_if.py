import math

import numpy as np
import pytest
import torch
from helpers.tensors import rand

from lightning_snn import QuadraticIF


def spike_times(model, current, time):
    steps = round(time / model.dt)
    spikes, _ = model(torch.full((steps, 1, 1), current, dtype=torch.float64))
    return (spikes.flatten().nonzero().flatten() + 1).double() * model.dt


def interval(model, current):
    """Time in ms from reset to peak, by the integral of ``dv / (curvature x^2 + c)``."""
    half = (model.threshold - model.v_rest) / 2
    middle = model.v_rest + half
    a, c = model.curvature, model.resistance * current - model.curvature * half**2
    angles = (math.atan((v - middle) * math.sqrt(a / c)) for v in (model.peak, model.v_reset))
    return model.tau_mem / math.sqrt(a * c) * (next(angles) - next(angles))


MODELS = {
    "dimensionless": ({}, (0.3, 1.0, 4.0)),
    "mV": (
        {"v_rest": -65.0, "threshold": -50.0, "v_reset": -60.0, "peak": 0.0, "curvature": 0.05},
        (4.0, 20.0),
    ),
}


@pytest.mark.parametrize("dt", [0.05, 0.5])
@pytest.mark.parametrize("kind", MODELS)
def test_the_rate_is_the_analytic_one(kind, dt):
    constants, currents = MODELS[kind]
    model = QuadraticIF(10.0, **constants, dt=dt)
    for current in currents:
        expected = interval(model, current)
        times = spike_times(model, current, 12 * expected)
        assert len(times) >= 10
        error = (times.diff().mean().item() - expected) / dt
        assert -0.5 < error < 1.5  # a spike is seen at the end of its step, and the reset comes there


def test_there_is_no_spike_below_the_rheobase():
    model = QuadraticIF(10.0, v_reset=-1.0)
    assert len(spike_times(model, 0.2499, 5000.0)) == 0
    assert len(spike_times(model, 0.2501, 5000.0)) > 0


def test_the_potential_is_that_of_a_fine_solution():
    """Explicit steps of 1/2000 of ``dt``, from both sides of the threshold."""
    model, h = QuadraticIF(10.0, dt=0.1, peak=50.0), 0.1 / 10.0 / 2000
    current = 0.5 * (rand(60, 1, 4, dtype=torch.float64) - 0.5)
    v = np.array([[-3.0, 0.0, 0.9, 1.2]])
    _, state = model(current, QuadraticIF.State(torch.tensor(v)))
    for i in current.numpy():
        for _ in range(2000):
            v = v + h * (v * (v - 1) + i)
    np.testing.assert_allclose(state.v, v, rtol=2e-3, atol=2e-4)


def test_coarse_steps_do_not_pass_by_the_spike():
    """With ``h curvature x`` above 1 the divisor would be negative, and v below rest."""
    v = torch.linspace(2.0, 9.5, 20, dtype=torch.float64)[None]
    spikes, _ = QuadraticIF(1.0)(torch.zeros(3, 1, 20, dtype=torch.float64), QuadraticIF.State(v))
    assert spikes.any(0).all()


def test_both_fixed_points_stay():
    v = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    _, state = QuadraticIF(2.0)(torch.zeros(50, 1, 2, dtype=torch.float64), QuadraticIF.State(v))
    torch.testing.assert_close(state.v[:, 0], v[:, 0])
    assert 0.9 < state.v[0, 1] < 1.1  # the upper one is unstable: rounding grows


def test_gradients_are_finite_up_to_the_peak():
    current = (4 * rand(100, 2, 5)).requires_grad_()
    spikes, state = QuadraticIF(10.0)(current)
    assert spikes.mean() > 0.02
    (gradient,) = torch.autograd.grad(spikes.sum() + state.v.sum(), current)
    assert gradient.isfinite().all()
    assert gradient[-1].any()


def test_the_potentials_are_in_order():
    for given, message in (
        ({"v_rest": 2.0}, "v_rest must lie below threshold = 1.0, got 2.0"),
        ({"peak": 0.5}, "threshold must lie below peak = 0.5, got 1.0"),
        ({"v_reset": 20.0}, "v_reset must lie below peak = 10.0, got 20.0"),
    ):
        with pytest.raises(ValueError, match=f"^{message}$"):
            QuadraticIF(**given)
