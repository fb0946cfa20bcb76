import math

import numpy as np
import pytest
import torch
from helpers.tensors import rand, spikes_of

from lightning_snn import CurrentLIF


def fine(charges, tau_mem, tau_syn, dt, parts=2000):
    """Potentials by many small midpoint steps of the two equations, without a threshold."""
    v, i, h, found = 0.0, 0.0, dt / parts, []
    for charge in charges:
        i += charge
        for _ in range(parts):
            half = v + h / 2 * (i - v) / tau_mem
            v += h * (i * math.exp(-h / 2 / tau_syn) - half) / tau_mem
            i *= math.exp(-h / tau_syn)
        found.append(v)
    return found


@pytest.mark.parametrize("dt", [0.5, 2.0])
@pytest.mark.parametrize(("tau_mem", "tau_syn"), [(20.0, 5.0), (5.0, 20.0), (10.0, 10.0), (10.0, 10.001)])
def test_the_potential_is_that_of_the_two_equations(tau_mem, tau_syn, dt):
    model = CurrentLIF(tau_mem, tau_syn, threshold=1e9, dt=dt)
    charges = spikes_of(12, 1, 1, share=0.5).double()
    state, found = model.rest(1, 1, charges), []
    for charge in charges:
        _, state = model.advance(charge / dt, state)
        found.append(state.v.item())
    np.testing.assert_allclose(found, fine(charges.flatten().tolist(), tau_mem, tau_syn, dt), rtol=1e-6)


def test_spikes_and_resets_equal_a_loop():
    model = CurrentLIF(12.0, 4.0, refractory=3.0, v_reset=-0.25, resistance=2.0)
    charges = 0.6 * rand(80, 2, 5, dtype=torch.float64)
    spikes, state = model(charges)
    e_mem, e_syn = math.exp(-1 / 12), math.exp(-1 / 4)
    gain = 2.0 * 4.0 / (4.0 - 12.0) * (e_syn - e_mem)
    v, i, left = (np.zeros((2, 5)) for _ in range(3))
    for charge, sent in zip(charges.numpy(), spikes.numpy(), strict=True):
        i = i + charge
        v = np.where(left > 0, v, v * e_mem + gain * i)
        i = i * e_syn
        fired = (v >= 1) & (left <= 0)
        left = np.where(fired, 3, np.maximum(left - 1, 0))
        v = np.where(fired, -0.25, v)
        np.testing.assert_array_equal(sent, fired)
    assert 0.05 < spikes.mean() < 0.25
    np.testing.assert_allclose(state.v, v, atol=1e-12)
    np.testing.assert_allclose(state.i, i, atol=1e-12)


def test_a_current_that_is_held_has_the_charge_of_its_weight_times_tau():
    model = CurrentLIF(20.0, 5.0, threshold=1e9)
    _, state = model(torch.full((400, 1, 1), 0.1, dtype=torch.float64))
    mean = 0.1 / (1 - math.exp(-1 / 5)) * (1 - math.exp(-1 / 5)) * 5.0
    assert state.v.item() == pytest.approx(mean, rel=0.02)


def test_soft_reset_keeps_the_overshoot():
    state = CurrentLIF.State(*(torch.tensor([[x]], dtype=torch.float64) for x in (1.5, 0.0, 0.0)))
    _, after = CurrentLIF(1e9, reset="soft").advance(torch.zeros(1, 1), state)
    assert after.v.item() == pytest.approx(0.5)


def test_time_constants_are_learned_through_being_equal():
    """Values and gradients on both sides of equal time constants, and there, by central differences."""

    def gain(tau_mem, tau_syn):
        p = type("P", (), {"tau_mem": tau_mem, "tau_syn": tau_syn, "resistance": 1.0, "v_reset": 0.0})
        p.threshold, p.refractory = torch.ones(()), torch.zeros(())
        return CurrentLIF().constants(p, torch.tensor(1.0, dtype=torch.float64))["gain"]

    for apart in (0.0, 1e-9, 1e-4, 0.0999, 0.1001, 3.0):
        taus = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (10.0, 10.0 + apart)]
        assert torch.autograd.gradcheck(gain, taus, eps=1e-5, rtol=1e-6)
    assert gain(torch.tensor(1e-3), torch.tensor(5.0)).isfinite()
    assert gain(torch.tensor(5.0), torch.tensor(1e-3)).isfinite()


def test_learned_time_constants_start_equal_and_move_apart():
    model = CurrentLIF(10.0, 10.0, learn=["tau_mem", "tau_syn"], threshold=1e9)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    charges = rand(20, 1, 4)
    for _ in range(5):
        optimizer.zero_grad()
        _, state = model(charges)
        state.v.sum().backward()
        assert all(x.grad.isfinite().all() and x.grad.any() for x in model.parameters())
        optimizer.step()
    assert model.tau_mem > 10.5
    assert model.tau_syn < 9.5


def test_the_reset_lies_below_the_threshold():
    with pytest.raises(ValueError, match=r"^v_reset must lie below threshold = 1.0, got 2.0$"):
        CurrentLIF(v_reset=2.0)
