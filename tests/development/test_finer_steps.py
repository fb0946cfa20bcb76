"""A sheet of LIF neurons makes the same waves, and these wire the same fields, however fine the steps are."""

from functools import partial

import pytest
import torch

from lightning_snn.development.report import measure_fields
from lightning_snn.development.standalone import self_organize
from lightning_snn.geometry import Torus
from lightning_snn.metrics import wave_summary
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF
from lightning_snn.plasticity import STDP
from lightning_snn.stimuli import SpontaneousWaves
from lightning_snn.synapses import Dense, LateralKernel

STEPS = (1.0, 0.5, 0.25, 0.1)
NODES, SIDE = 900, 21.7


def sheet(dt):
    neuron = LIF(20.0, threshold=15.0, resistance=20.5, adaptation=10.0, tau_adaptation=100.0, refractory=3.0)
    kernel = LateralKernel(inhibition_range=6.0)
    layers = {
        "sheet": SpikingLayer(Torus(NODES, SIDE), neuron, lateral=kernel, lateral_active="development"),
        "units": SpikingLayer(Torus(30, SIDE), LIF(10.0), projection=partial(Dense, rule=STDP())),
    }
    return SpikingNetwork(layers, dt=dt, seed=0)


@pytest.fixture(scope="module")
def waves():
    """What `wave_summary` says of one and a half seconds of four streams, by step."""
    found = {}
    for dt in STEPS:
        network, stimulus = sheet(dt), SpontaneousWaves(seed=0)
        noise = stimulus.currents(network, "units", steps=round(1500 / dt), streams=range(4), round_number=0)
        with torch.no_grad():
            spikes, _ = network.run(noise, layers=["sheet"], developing=True)
        found[dt] = wave_summary(spikes["sheet"], network.layer("sheet").geometry, dt=dt)
    return found


@pytest.mark.parametrize("measure", ["rate", "speed"])
@pytest.mark.parametrize("dt", STEPS[1:])
def test_waves(waves, measure, dt):
    assert waves[dt][measure] == pytest.approx(waves[1.0][measure], rel=0.1)
    assert waves[1.0]["in_waves"] > 0.7


def test_wired_fields():
    sizes = {}
    for dt in STEPS[:3]:
        network, stimulus = sheet(dt), SpontaneousWaves(seed=0)
        steps, chunk = round(40_000 / dt), round(250 / dt)
        self_organize(network, stimulus=stimulus, max_steps=steps, chunk=chunk, until="steps")
        fields = measure_fields(network.weighted["units"], network.layer("sheet").geometry, target_share=0.3)
        sizes[dt] = fields["field_size"]
        assert fields["localised_share"] > 0.8
    assert list(sizes.values()) == pytest.approx([sizes[1.0]] * len(sizes), rel=0.1)
