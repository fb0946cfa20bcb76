"""The same gradients in plain torch: a loop over steps whose graph is kept, what a rule drops detached."""

from functools import partial

import torch

from lightning_snn import Dense, Maps, Relay, SpikingLayer, SpikingNetwork
from lightning_snn.network import Connection


def recurrent(neuron, *, dt=1.0, projection=None, lateral=None, **options):
    """Six inputs and five neurons that are joined to each other, in float64."""
    trained = partial(Dense, trainable=True, **options)
    layers = {
        "input": SpikingLayer(Maps(1, 1, 6), Relay()),
        "rec": SpikingLayer(Maps(1, 1, 5), neuron),
    }
    connections = {
        "in": Connection("input", "rec", projection or partial(trained, gain=8.0)),
        "back": Connection("rec", "rec", lateral or partial(trained, gain=3.0)),
    }
    return SpikingNetwork(layers, connections, dt=dt, seed=0).double()


def spikes_of(network, sent, detached):
    """Spikes ``[T, B, N]`` by layer; those through the connections ``detached`` have no gradient."""
    rest = network.rest(sent.shape[1], sent[0])
    neurons = {name: state.neurons for name, state in rest.layers.items()}
    wires = {name: network.wire(name) for name in network.connections}
    synapses = dict(rest.connections)
    queues = {n: w.queue(rest.layers[w.source].spikes, synapses[n]) for n, w in wires.items() if w.late}
    found = {name: [] for name in network.names}
    for t in range(len(sent)):
        now = {"input": sent[t]}
        for name in network.names[1:]:
            total = 0
            for key, wire in wires.items():
                if wire.target == name:
                    if wire.late:
                        arrived, axons = queues[key][:1], {}
                    else:
                        arrived, axons = wire.arrive(now[wire.source][None], synapses[key])
                    arrived = arrived.detach() if key in detached else arrived
                    current, kinetics = wire.projection.deliver(arrived, synapses[key], dt=network.dt)
                    synapses[key], total = axons | kinetics, total + current[0]
            now[name], neurons[name] = network.layer(name).neuron.advance(total, neurons[name])
        queues = {n: torch.cat([q[1:], now[wires[n].source][None]]) for n, q in queues.items()}
        for name, value in now.items():
            found[name].append(value)
    return {name: torch.stack(values) for name, values in found.items()}


def trains(steps=30, batch=3, size=6, share=0.4):
    """Spikes ``[T, B, N]``."""
    generator = torch.Generator().manual_seed(1)
    return (torch.rand(steps, batch, size, generator=generator) < share).double()


def difference(found, expected):
    """The largest error of gradients, relative to the largest entry of each."""
    assert all(x.abs().max() > 0 for x in expected)
    return max(float((x - y).abs().max() / y.abs().max()) for x, y in zip(found, expected, strict=True))
