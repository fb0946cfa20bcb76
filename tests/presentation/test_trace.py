import math

import pytest
import torch
from helpers.tensors import rand, spikes_of

from lightning_snn.presentation.trace import spike_trace


@pytest.mark.parametrize("tau", [5.0, 40.0])
@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_it_equals_a_loop(tau, dt):
    spikes = spikes_of(30, 2, 5)
    total, trace = 0.0, torch.zeros(2, 5)
    for step in spikes:
        decay = math.exp(-dt / tau)
        total, trace = total * decay + 1, trace * decay + step
    torch.testing.assert_close(spike_trace(spikes, tau=tau, dt=dt), trace / total)


def test_without_a_time_constant_is_the_share_of_steps():
    spikes = spikes_of(30, 2, 5)
    torch.testing.assert_close(spike_trace(spikes, tau=None, dt=0.5), spikes.sum(0) / 30)
    torch.testing.assert_close(spike_trace(spikes, tau=1e7, dt=0.5), spikes.sum(0) / 30)


def test_it_weighs_late_spikes_more_and_stays_within_0_and_1():
    early, late = torch.zeros(2, 20, 1, 1)
    early[0], late[-1] = 1, 1
    assert spike_trace(late, tau=5.0, dt=1.0) > 10 * spike_trace(early, tau=5.0, dt=1.0) > 0
    torch.testing.assert_close(spike_trace(torch.ones(20, 1, 1), tau=5.0, dt=1.0), torch.ones(1, 1))


def test_it_carries_gradients():
    spikes = rand(10, 1, 2).requires_grad_()
    spike_trace(spikes, tau=5.0, dt=1.0).sum().backward()
    ratio = spikes.grad[1:] / spikes.grad[:-1]
    torch.testing.assert_close(ratio, torch.full_like(ratio, math.exp(1 / 5)))


@pytest.mark.parametrize("tau", [0.0, -1.0])
def test_it_needs_a_positive_time_constant(tau):
    with pytest.raises(ValueError, match=f"tau_trace must be a finite number above 0, got {tau}"):
        spike_trace(torch.ones(3, 1, 1), tau=tau, dt=1.0)
