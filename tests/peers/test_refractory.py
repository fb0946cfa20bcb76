"""Refractory periods from 0 to 6 ms at four steps, against Brian2's."""

import math

import pytest
import torch
from helpers.peers import STEPS, stored

from lightning_snn import LIF
from lightning_snn.core.time import steps_in

GIVEN, FOUND = stored("refractory")


def spike_steps(refractory, dt):
    current = torch.full((round(GIVEN["duration"] / dt), 1, 1), GIVEN["current"])
    spikes, _ = LIF(GIVEN["tau_mem"], refractory=refractory, dt=dt)(current)
    return spikes[:, 0, 0].nonzero()[:, 0].tolist()


@pytest.mark.parametrize("dt", STEPS)
def test_a_period_of_whole_steps_is_brian2s_of_a_step_more(dt):
    whole = [j for j, period in enumerate(GIVEN["refractory"]) if steps_in(period, dt) is not None]
    assert len(whole) >= 7
    for j in whole:
        assert spike_steps(GIVEN["refractory"][j], dt) == FOUND["a_step_longer"][str(dt)][j]


@pytest.mark.parametrize("dt", STEPS)
def test_it_is_rounded_up_where_brian2_rounds_down(dt):
    for j, period in enumerate(GIVEN["refractory"]):
        ours, theirs = spike_steps(period, dt), FOUND["same_period"][str(dt)][j]
        held = math.ceil(period / dt - 1e-6)
        free = theirs[0] + 1  # steps from a reset to the threshold
        assert ours[1] - ours[0] == free + held
        assert theirs[1] - theirs[0] == free + max(math.floor(period / dt + 1e-6) - 1, 0)
        assert (ours[1] - ours[0]) * dt >= GIVEN["tau_mem"] * math.log(2) + period - 1e-6
