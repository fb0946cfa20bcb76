import math

import numpy as np
import pytest
import torch
from helpers.tensors import rand

from lightning_snn import AdaptiveLIF


def paper(current, tau=20.0, tau_a=700.0, beta=1.8, b0=0.01, refractory=5, resistance=1.0):
    """The equations of the paper at steps of 1 ms: V and z at every step."""
    alpha, rho = math.exp(-1 / tau), math.exp(-1 / tau_a)
    v, b, z, last = (np.zeros(current.shape[1:]) for _ in range(4))
    last -= 10**6
    for t, i in enumerate(current):
        threshold = b0 + beta * b
        v = alpha * v + (1 - alpha) * resistance * i - threshold * z  # V(t + 1) of V, B and z at t
        b = rho * b + (1 - rho) * z
        z = ((v >= b0 + beta * b) & (t - last > refractory)).astype(float)
        last = np.where(z > 0, t, last)
        yield v, z


@pytest.mark.parametrize("refractory", [0, 5])
def test_spikes_are_those_of_the_papers_equations(refractory):
    current = 0.05 * rand(300, 2, 6, dtype=torch.float64)
    model = AdaptiveLIF(threshold=0.01, beta=1.8, refractory=float(refractory))
    spikes, state = model(current)
    v, z = zip(*paper(current.numpy(), refractory=refractory), strict=True)
    np.testing.assert_array_equal(spikes, z)
    assert 0.02 < spikes.mean() < 0.2
    quiet = z[-1] == 0
    np.testing.assert_allclose(state.v.numpy()[quiet], v[-1][quiet], atol=1e-14)


def test_the_defaults_are_the_papers_in_units_of_its_threshold():
    current = 5 * rand(300, 2, 6, dtype=torch.float64)
    spikes, _ = AdaptiveLIF()(current)
    _, z = zip(*paper(0.01 * current.numpy()), strict=True)
    np.testing.assert_array_equal(spikes, z)
    assert spikes.sum() > 20


@pytest.mark.parametrize("dt", [0.25, 1.0])
def test_the_rise_of_the_threshold_does_not_depend_on_dt(dt):
    model = AdaptiveLIF(20.0, 100.0, 50.0, refractory=0.0, dt=dt)
    state = model.rest(1, 1, torch.zeros(1, dtype=torch.float64))._replace(v=torch.full((1, 1), 9.0).double())
    still = torch.zeros(1, 1, dtype=torch.float64)
    spikes, state = model.advance(still, state)
    assert spikes.item() == 1
    area, state = 0.0, state._replace(v=still)
    for _ in range(round(2000 / dt)):
        area += 50.0 * state.a.item() * dt
        _, state = model.advance(still, state)
    assert area == pytest.approx(50.0, rel=1e-6)


def test_gradients_reach_the_adaptation_through_the_spike():
    current = (40 * rand(1, 1, 8, dtype=torch.float64)).requires_grad_()
    _, state = AdaptiveLIF(20.0, 50.0, 20.0)(current)
    (found,) = torch.autograd.grad(state.a.sum(), current)
    gain, jump = 1 - math.exp(-1 / 20), 1 - math.exp(-1 / 50)
    x = current.detach().numpy() * gain - 1
    np.testing.assert_allclose(found, jump * gain / (1 + (math.pi * x) ** 2), rtol=1e-12)


def test_adaptation_makes_spikes_fewer():
    current = 20 * rand(40, 1, 8)
    counts = [AdaptiveLIF(20.0, 50.0, beta, refractory=0.0)(current)[0].sum() for beta in (0.0, 20.0)]
    assert counts[0] > 1.3 * counts[1] > 0


def test_rest_lies_below_the_threshold():
    with pytest.raises(ValueError, match=r"^v_rest must lie below threshold = -50.0, got -40.0$"):
        AdaptiveLIF(v_rest=-40.0, threshold=-50.0)
