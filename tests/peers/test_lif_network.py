"""LIF neurons with exponential synapses and delays, against Brian2's exact integration at .1 ms."""

from functools import partial

import pytest
import torch
from helpers.peers import pairs_of, stored, train_of

from lightning_snn import (
    LIF,
    Connection,
    Dense,
    ExponentialCurrent,
    Relay,
    SpikingLayer,
    SpikingNetwork,
    Square,
)

GIVEN, FOUND = stored("lif_network")


def network():
    neuron = LIF(GIVEN["tau_mem"], threshold=GIVEN["threshold"], refractory=GIVEN["refractory"])
    layers = {
        name: SpikingLayer(Square(size, 5.0), Relay() if name == "input" else neuron)
        for name, size in GIVEN["sizes"].items()
    }
    connections = {}
    for name, delay in GIVEN["delay"].items():
        source, target = name.split("_")
        kinetics = ExponentialCurrent(GIVEN["tau"][source])
        connections[name] = Connection(source, target, partial(Dense, delay=delay, kinetics=kinetics))
    network = SpikingNetwork(layers, connections, dt=GIVEN["dt"])
    for name, weight in GIVEN["weights"].items():
        network.connection(name).projection.weight.copy_(torch.tensor(weight))
    return network


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("chunk", [GIVEN["steps"], 37])
def test_every_spike_comes_in_the_step_of_brian2(dtype, chunk):
    inputs = train_of(GIVEN["input_spikes"], GIVEN["steps"], GIVEN["sizes"]["input"]).to(dtype)
    ours, state, parts = network().to(dtype), None, []
    for part in inputs.split(chunk):
        spikes, state = ours.run({}, state, known={"input": part})
        parts.append(spikes)
    found = {name: pairs_of(torch.cat([part[name] for part in parts])) for name in FOUND["spikes"]}
    assert sum(map(len, found.values())) == 246
    assert found == FOUND["spikes"]


def test_no_crossing_of_the_threshold_is_marginal():
    assert FOUND["nearest"] > 1e-4
