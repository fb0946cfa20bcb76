import cmath
import math

import numpy as np
import pytest
import torch
from helpers.tensors import rand, randn

from lightning_snn import ResonateFire


def loop(current, damping, frequency, dt, threshold):
    """The complex equation, with the exact step of a held current, and the reset to ``i threshold``."""
    rate = complex(-damping, 2 * math.pi * frequency / 1000)
    turn, z = cmath.exp(rate * dt), np.zeros(current.shape[1:], complex)
    for i in current:
        z = turn * z + i * (turn - 1) / rate
        spikes = z.imag >= threshold
        z = np.where(spikes, 1j * threshold, z)
        yield spikes, z


@pytest.mark.parametrize("dt", [0.25, 1.0])
def test_spikes_are_those_of_the_complex_equation(dt):
    current = 0.4 / dt**0.5 * randn(300, 2, 5, dtype=torch.float64)
    spikes, state = ResonateFire(25.0, 0.03, threshold=0.8, dt=dt)(current)
    expected, z = zip(*loop(current.numpy(), 0.03, 25.0, dt, 0.8), strict=True)
    np.testing.assert_array_equal(spikes, expected)
    assert 0.005 < spikes.mean() < 0.3
    np.testing.assert_allclose(state.x, z[-1].real, atol=1e-12)
    np.testing.assert_allclose(state.y, z[-1].imag, atol=1e-12)


def test_it_prefers_pulses_in_its_rhythm():
    """Two pulses a period of 40 ms apart sum, half a period apart they cancel, as the paper says."""
    counts = {}
    for interval in (20, 30, 40, 60, 80):
        current = torch.zeros(100, 1, 1)
        current[0], current[interval] = 0.7, 0.7
        counts[interval] = ResonateFire(25.0, 0.005)(current)[0].sum().item()
    assert counts[40] >= 1
    assert counts[20] == counts[30] == counts[60] == 0


def test_a_brief_inhibition_makes_it_spike_and_one_that_lasts_does_not():
    current = torch.zeros(60, 1, 2)
    current[0, :, 0], current[:, :, 1] = -2.0, -2.0
    spikes, _ = ResonateFire(25.0, 0.01)(current)
    assert spikes[:, 0, 0].sum() >= 1
    assert not spikes[:20, 0, 0].any()
    assert not spikes[:, 0, 1].any()


def test_frequency_and_damping_are_learned():
    model = ResonateFire([10.0, 30.0], 0.02, learn=["frequency", "damping"], threshold=1e9)
    current = rand(50, 1, 2)
    _, state = model(current)
    found = torch.autograd.grad(state.y.sum(), [*model.parameters()])
    assert [x.shape for x in found] == [(2,), ()]

    def end(shift, name):
        given = {"frequency": torch.tensor([10.0, 30.0]).double(), "damping": torch.tensor(0.02).double()}
        given[name] = given[name] * math.exp(shift)
        return ResonateFire(**given, threshold=1e9)(current.double())[1].y.sum()

    for gradient, name in zip(found, ("frequency", "damping"), strict=True):
        difference = (end(1e-4, name) - end(-1e-4, name)).item() / 2e-4
        share = 1.0 if name == "frequency" else 0.02  # of a frequency the logarithm is learned
        assert gradient.sum().item() * share == pytest.approx(difference, rel=1e-3)
