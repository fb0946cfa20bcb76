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


@pytest.mark.parametrize("tau", [None, 5.0])
@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_a_sample_ends_at_its_own_length(tau, dt):
    spikes, lengths = spikes_of(30, 4, 5), torch.tensor([30, 7, 1, 22])
    found = spike_trace(spikes, tau=tau, dt=dt, lengths=lengths)
    decay = 1.0 if tau is None else math.exp(-dt / tau)
    for sample, length in enumerate(lengths.tolist()):
        total, trace = 0.0, torch.zeros(5)
        for step in range(length):
            total, trace = total * decay + 1, trace * decay + spikes[step, sample]
        torch.testing.assert_close(found[sample], trace / total)


@pytest.mark.parametrize("tau", [None, 5.0])
def test_lengths_of_all_steps_change_nothing(tau):
    spikes = spikes_of(30, 3, 5)
    found = spike_trace(spikes, tau=tau, dt=0.5, lengths=torch.full((3,), 30))
    torch.testing.assert_close(found, spike_trace(spikes, tau=tau, dt=0.5))


def test_a_short_sample_of_a_long_batch_stays_finite():
    found = spike_trace(torch.ones(5000, 2, 1), tau=1.0, dt=1.0, lengths=torch.tensor([1, 5000]))
    torch.testing.assert_close(found, torch.ones(2, 1))


def test_lengths_are_checked():
    with pytest.raises(ValueError, match="lengths must lie in 1 to 3"):
        spike_trace(torch.ones(3, 2, 1), tau=None, dt=1.0, lengths=torch.tensor([3, 4]))
