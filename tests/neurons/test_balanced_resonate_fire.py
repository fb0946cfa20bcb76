import numpy as np
import pytest
import torch
from helpers.tensors import rand

from lightning_snn import BalancedResonateFire


def paper(current, omega, offset, delta, gamma, threshold=1.0):
    """The paper's Euler steps with its divergence boundary p(omega), in its unit of time: spikes and u."""
    u, v, q = (np.zeros(current.shape[1:]) for _ in range(3))
    boundary = (-1 + np.sqrt(1 - (delta * omega) ** 2)) / delta
    for i in current:
        b = boundary - offset - q
        u, v = u + delta * (b * u - omega * v + i), v + delta * (omega * u + b * v)
        z = u - threshold - q > 0
        q = gamma * q + z
        yield z, u


def test_spikes_are_those_of_the_papers_steps():
    """Its unit of time is 100 ms here, so that 10 steps are a ms, and a current is 1/100 of its."""
    dt, omega, offset = 0.1, 7.5, 0.5
    current = (80 * (rand(300, 2, 4) - 0.3)).double().repeat_interleave(10, 0)
    model = BalancedResonateFire(
        omega * 10 / (2 * np.pi), offset / 100, tau_q=-1 / np.log(0.9), dt=dt, braking=0.01
    )
    spikes, state = model(current / 100)
    expected, u = zip(*paper(current.numpy(), omega, offset, dt / 100, 0.9**dt), strict=True)
    expected = np.stack(expected)
    assert expected.sum() > 40
    found = spikes.numpy().reshape(300, 10, -1).sum(1)
    assert np.abs(found.sum(0) - expected.reshape(3000, -1).sum(0)).max() <= 1
    early = spikes.numpy()[:1000].reshape(1000, -1).argmax(0)
    assert np.abs(early - expected[:1000].reshape(1000, -1).argmax(0)).max() <= 2
    assert np.corrcoef(state.x.flatten(), u[-1].flatten())[0, 1] > 0.95


def test_at_1_ms_it_does_what_the_paper_does():
    current = 80 * (rand(400, 2, 4, dtype=torch.float64) - 0.3)
    spikes, _ = BalancedResonateFire(7.5 * 10 / (2 * np.pi), 0.005, tau_q=-1 / np.log(0.9))(current / 100)
    expected = np.stack([z for z, _ in paper(current.numpy(), 7.5, 0.5, 0.01, 0.9)])
    assert expected.sum() > 50
    assert spikes.sum().item() == pytest.approx(expected.sum(), rel=0.1)


def test_a_spike_raises_threshold_and_damping_without_a_jump():
    model, still = BalancedResonateFire(damping=0.0, braking=0.05), torch.zeros(1, 1, dtype=torch.float64)
    state = model.State(torch.full((1, 1), 1.5, dtype=torch.float64), still, still)
    spikes, after = model.advance(still, state)
    assert spikes.item() == 1
    assert (after.x**2 + after.y**2).item() == pytest.approx(1.5**2)  # no jump, and no damping yet
    assert after.q.item() == 1
    again, late = model.advance(still, after)
    assert again.item() == 0  # above the threshold of a rested neuron, not above the raised one
    assert late.x > 1
    assert (late.x**2 + late.y**2).item() == pytest.approx(1.5**2 * np.exp(-0.1))


def test_gradients_pass_through_the_reset_where_asked():
    current = (0.4 * rand(120, 1, 6)).requires_grad_()
    found = []
    for detach in (True, False):
        spikes, state = BalancedResonateFire(detach_reset=detach)(current)
        assert spikes.any()
        found += torch.autograd.grad(state.x.sum(), current)
    assert found[0].isfinite().all()
    assert found[1].isfinite().all()
    assert not torch.allclose(*found)
