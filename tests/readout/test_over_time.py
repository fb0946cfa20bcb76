"""Readouts over time: their equations, at any step, and what they learn."""

import math

import pytest
import torch
from torch.nn import functional as F

from lightning_snn import LeakyReadout, SequenceReadout, SpikingReadout, Votes


def spikes(steps=30, batch=4, size=6):
    return (torch.rand(steps, batch, size) < 0.3).float()


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_a_leaky_readout_is_its_equation(dt):
    readout, given = LeakyReadout(6, 3, tau_mem=5.0), spikes()
    readout.at(dt)
    weight, bias, decay, v = (
        readout.output.weight,
        readout.output.bias,
        math.exp(-dt / 5.0),
        torch.zeros(4, 3),
    )
    for now, output in zip(given, readout(given), strict=True):
        v = decay * v + (1 - decay) * (5.0 / dt * F.linear(now, weight) + bias)
        torch.testing.assert_close(output, v)


@pytest.mark.parametrize("kind", [LeakyReadout, SpikingReadout])
def test_what_a_spike_does_depends_on_no_step(kind):
    torch.manual_seed(0)
    readout, found = kind(6, 3, tau_mem=20.0), []
    with torch.no_grad():
        readout.output.weight.uniform_(0.1, 0.3)
    for dt in (1.0, 0.1):
        given = torch.zeros(round(30 / dt), 1, 6)
        given[[0, round(5 / dt), round(12 / dt)]] = 1
        readout.at(dt)
        found.append(readout(given).sum(0) if readout.spiking else readout(given)[-1])
    torch.testing.assert_close(*found, rtol=0.05, atol=0.01)
    assert found[0].abs().min() > 0.1


def test_a_spiking_readout_keeps_what_lies_above_the_threshold():
    readout = SpikingReadout(1, 1, tau_mem=1e6)
    with torch.no_grad():
        readout.output.weight.fill_(0.75)
        readout.output.bias.zero_()
    assert readout(torch.ones(8, 1, 1)).flatten().tolist() == [0, 1, 1, 1, 0, 1, 1, 1]


def test_votes_are_shares():
    given = spikes(size=6)
    found = Votes(6, 3)(given)
    for c in range(3):
        torch.testing.assert_close(found[..., c], given[..., 2 * c : 2 * c + 2].mean(-1))
    assert not list(Votes(6, 3).parameters())
    with pytest.raises(ValueError, match=r"as many neurons for each of the 4 classes .*, got 6 neurons"):
        Votes(6, 4)


@pytest.mark.parametrize("kind", [LeakyReadout, SpikingReadout])
def test_time_constants_are_learned_where_asked(kind):
    for learned in (False, True):
        readout = kind(6, 3, learn_tau=learned)
        readout(spikes()).square().sum().backward()
        taus = [p for name, p in readout.named_parameters() if "tau_mem" in name]
        assert len(taus) == learned
        assert all(tau.grad.any() for tau in taus)
    with pytest.raises(ValueError, match="learn_tau must be True or False, got 'yes'"):
        kind(6, 3, learn_tau="yes")


@pytest.mark.parametrize("kind", [LeakyReadout, SpikingReadout, Votes])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_number_formats_and_one_step(kind, dtype):
    readout = kind(6, 3).to(dtype)
    given = spikes(1, 1).to(dtype).requires_grad_()
    output = readout(given)
    assert isinstance(readout, SequenceReadout)
    assert output.shape == (1, 1, 3)
    output.sum().backward()
    assert given.grad.isfinite().all()


@pytest.mark.parametrize("kind", [LeakyReadout, SpikingReadout])
def test_graded_and_negative_values_are_weighed_as_they_are(kind):
    readout, given = kind(6, 3), torch.randn(20, 2, 6)
    half = kind(6, 3)
    half.load_state_dict(readout.state_dict())
    with torch.no_grad():
        half.output.weight /= 2
    torch.testing.assert_close(readout(given), half(2 * given))
