"""Small networks of layers a, b and c, and how they run step by step."""

import math
from functools import partial

import torch

from lightning_snn.geometry import Square
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF
from lightning_snn.synapses import Dense

SIZES = {"a": 12, "b": 10, "c": 8}


def layers_of(neuron=None, **options):
    return {n: SpikingLayer(Square(size, 5.0), neuron or LIF(5.0), **options) for n, size in SIZES.items()}


def network_of(edges, **options):
    """Layers a, b and c with connections such as ``a_c``, gain 8."""
    projection = partial(Dense, gain=8.0, **options.pop("synapses", {}))
    neuron = options.pop("neuron", None)
    connections = {edge: Connection(edge[0], edge[2], projection) for edge in edges}
    return SpikingNetwork(layers_of(neuron), connections, seed=0, **options)


def drive(steps=30, batch=3, nodes=12, seed=0, dtype=torch.float32):
    return 3 + 8 * torch.randn(steps, batch, nodes, generator=torch.Generator().manual_seed(seed)).to(dtype)


def by_hand(network, inputs, *, decay=0.0):
    """Spikes by layer, step by step: currents add; what is sent to this or an earlier layer arrives later.

    Where no delay is given it is none, or 1 ms to this or an earlier layer. Currents that decay are seen as
    their mean over a step, charges as a current held over it.
    """
    seen = (1 - decay) / -math.log(decay) if decay else 1 / network.dt
    steps, batch = next(iter(inputs.values())).shape[:2]
    names = network.names
    like = next(iter(inputs.values()))[0]
    states = {n: network.layer(n).neuron.rest(batch, network.layer(n).num_nodes, like) for n in names}
    sent = {n: [] for n in names}
    currents = {n: 0.0 for n in network.connections}
    for t in range(steps):
        for n in names:
            total = inputs[n][t] if n in inputs else like.new_zeros(batch, network.layer(n).num_nodes)
            for key, c in network.connections.items():
                if c.target == n:
                    delay = c.projection.delay
                    if delay is None:
                        delay = 1.0 if names.index(c.source) >= names.index(n) else 0.0
                    when = t - round(delay / network.dt)
                    silent = like.new_zeros(batch, network.layer(c.source).num_nodes)
                    spikes = sent[c.source][when] if when >= 0 else silent
                    arrives = spikes @ (c.projection.gain * c.projection.weight).t()
                    currents[key] = decay * currents[key] + arrives
                    total = total + seen * currents[key]
            spikes, states[n] = network.layer(n).neuron.advance(total, states[n])
            sent[n].append(spikes)
    return {n: torch.stack(found) for n, found in sent.items()}
