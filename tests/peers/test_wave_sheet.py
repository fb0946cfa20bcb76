"""The waves of a sheet of 400 LIF neurons, against Brian2's at .25 ms."""

import numpy as np
import pytest
import torch
from helpers.peers import pairs_of, stored

from lightning_snn import LIF, LateralKernel, Points, SpikingLayer, SpikingNetwork

GIVEN, FOUND = stored("wave_sheet")


@pytest.fixture(scope="module")
def drawn():
    """Places and noise as the script draws them."""
    draw = np.random.RandomState(GIVEN["seed"])
    places = draw.randint(0, 10_000, (GIVEN["nodes"], 2)) * (GIVEN["side"] / 10_000)
    dice = draw.randint(0, 128, (12, GIVEN["steps"], GIVEN["nodes"])).sum(0)
    noise = (dice - 12 * 127 / 2) / 128
    assert (places.sum(), np.abs(noise).sum()) == pytest.approx(
        (GIVEN["sum_of_places"], GIVEN["sum_of_noise"])
    )
    return torch.from_numpy(places).float(), torch.from_numpy(noise).float()


@pytest.fixture(scope="module")
def network(drawn):
    names = ("excitation", "excitation_range", "inhibition", "inhibition_range", "decay_length", "delay")
    neuron = LIF(
        **{
            name: GIVEN[name]
            for name in ("tau_mem", "resistance", "threshold", "refractory", "adaptation", "tau_adaptation")
        }
    )
    sheet = Points(drawn[0], area=GIVEN["side"] ** 2)
    layer = SpikingLayer(sheet, neuron, lateral=LateralKernel(**{name: GIVEN[name] for name in names}))
    return SpikingNetwork({"sheet": layer}, dt=GIVEN["dt"])


@pytest.mark.parametrize("chunk", [GIVEN["steps"], 50])
def test_every_spike_comes_in_the_step_of_brian2(network, drawn, chunk):
    noise = GIVEN["noise"] * GIVEN["dt"] ** -0.5 * drawn[1][:, None]
    state, parts = None, []
    for part in noise.split(chunk):
        spikes, state = network({"sheet": part}, state)
        parts.append(spikes["sheet"])
    found = pairs_of(torch.cat(parts))
    assert len(found) == 490
    assert found == FOUND["spikes"]
