"""Figures of other simulators, and small networks to compare with them."""

import json
from functools import partial
from pathlib import Path

import torch

from lightning_snn import Connection, Dense, Relay, SpikingLayer, SpikingNetwork, Square

STEPS = [1.0, 0.5, 0.25, 0.1]
"""Steps in ms at which figures of a fine one must hold."""


def stored(name):
    """What a script of ``recipes/models/peers`` was given, and what it stored."""
    path = Path(__file__).parent.parent / "peers" / f"{name}.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    return whole["constants"], whole["figures"]


def train_of(pairs, steps, number):
    """Spikes ``[T, 1, N]`` from pairs of step and index."""
    spikes = torch.zeros(steps, 1, number)
    step, index = torch.tensor(pairs).T
    spikes[step, 0, index] = 1.0
    return spikes


def pairs_of(spikes):
    """Pairs of step and index of spikes ``[T, 1, N]``."""
    return spikes[:, 0].nonzero().tolist()


def one_synapse(neuron, weight, *, dt, kinetics=None, input="current"):
    """Layers ``source`` and ``cell`` of two nodes each, as a sheet needs; node i drives neuron i."""
    layers = {"source": SpikingLayer(Square(2, 1.0), Relay()), "cell": SpikingLayer(Square(2, 1.0), neuron)}
    synapse = Connection("source", "cell", partial(Dense, kinetics=kinetics), input=input)
    network = SpikingNetwork(layers, {"synapse": synapse}, dt=dt)
    network.connection("synapse").projection.weight.copy_(weight * torch.eye(2))
    return network


def course(network, milliseconds, sizes=(1.0,)):
    """Potentials ``[T, B]`` of the cell at the end of each step, after a spike of some size in the first."""
    network, sizes = network.double(), torch.tensor(sizes, dtype=torch.float64)
    found, state = [], None
    for step in range(round(milliseconds / network.dt)):
        spikes = (sizes * (step == 0))[None, :, None].expand(1, len(sizes), 2)
        _, state = network.run({}, state, known={"source": spikes})
        found.append(state.layers["cell"].neurons.v[:, 0])
    return torch.stack(found)


def each_ms(values, dt):
    """Of values ``[T, ...]`` at the end of each step those at the end of each ms."""
    steps = round(1 / dt)
    return values[steps - 1 :: steps]


def worst(values, expected):
    """The largest difference, as a share of the largest value."""
    return ((values - expected).abs().max() / expected.abs().max()).item()


def input_counts(dt):
    """How many of the 1,000 inputs spike in each step ``[T, 1, 2]``, for both nodes."""
    given, _ = stored("conductance_lif")
    counts = torch.tensor([int(digit) for digit in given["counts"]])
    steps = (torch.arange(len(counts)) * given["bin"] / dt + 1e-6).long()
    total = torch.zeros(round(len(counts) * given["bin"] / dt)).index_add_(0, steps, counts.float())
    return total[:, None, None].expand(-1, 1, 2)


def driven_times(network):
    """Times in ms at which the cell spikes under these inputs."""
    spikes, _ = network.run({}, known={"source": input_counts(network.dt)})
    return (spikes["cell"][:, 0, 0].nonzero()[:, 0] + 1) * network.dt


def lateness(found, expected):
    """By how much spikes come later than expected ones in ms, as many as both have."""
    number = min(len(found), len(expected))
    return found[:number] - torch.tensor(expected[:number])
