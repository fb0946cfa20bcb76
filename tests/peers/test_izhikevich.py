"""The presets of `Izhikevich` over 1 s, against Brian2: by Runge-Kutta, and with the same arithmetic."""

import pytest
import torch
from helpers.peers import stored

from lightning_snn import Izhikevich

GIVEN, FOUND = stored("izhikevich")
presets = pytest.mark.parametrize("preset", list(FOUND["steps"]))


def spike_steps(preset, dt):
    current = torch.full((round(GIVEN["duration"] / dt), 1, 1), GIVEN["current"])
    spikes, _ = Izhikevich(preset, dt=dt)(current)
    return spikes[:, 0, 0].nonzero()[:, 0]


@presets
def test_the_same_arithmetic_gives_the_same_spikes(preset):
    found, expected = spike_steps(preset, GIVEN["dt"]), FOUND["steps"][preset]
    assert len(found) == len(expected)
    assert (found - torch.tensor(expected))[:10].abs().max() <= 1  # in float32


@presets
def test_spikes_converge_to_the_equations(preset):
    expected = torch.tensor(FOUND["spike_times"][preset])
    errors = [
        ((spike_steps(preset, dt)[:10] + 1) * dt - expected[:10]).abs().max() for dt in (0.5, 0.25, 0.1, 0.01)
    ]
    assert errors[0] > errors[1] > errors[2] > errors[3]
    assert errors[3] < 0.5


@pytest.mark.parametrize(("dt", "number"), [(1.0, 20), (0.5, 22), (0.25, 23), (0.1, 23)])
def test_a_step_of_1_ms_lowers_the_rate_of_regular_spiking(dt, number):
    assert len(FOUND["spike_times"]["regular_spiking"]) == 23
    assert abs(len(spike_steps("regular_spiking", dt)) - number) <= (dt == 1)  # where rounding decides
