"""A network step by step, without a graph: what arrives, and what is sent."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lightning_snn.core.tensors import Tensors
from lightning_snn.network import SpikingNetwork
from lightning_snn.network.blocks import Inputs, add
from lightning_snn.network.wire import Wire

Step = Callable[[str, Inputs, Any], tuple[Tensor, Any]]
"""``(layer, inputs [B, N] by name, state) -> (spikes [B, N], state)``."""


class Moment(NamedTuple):
    """One step of a network.

    Args:
        arrived: Spikes ``[B, num_pre]`` that arrive through each connection, by its name.
        synapses: The state of each connection before them.
        spikes: Spikes ``[B, N]`` that each layer sends.
    """

    arrived: dict[str, Tensor]
    synapses: dict[str, Tensors]
    spikes: dict[str, Tensor]


def wires_of(network: SpikingNetwork, names: Sequence[str]) -> list[Wire]:
    """The connections that act among layers."""
    return [
        network.wire(name)
        for name in network.acting()
        if {network.connection(name).source, network.connection(name).target} <= set(names)
    ]


@torch.no_grad()
def walk(
    network: SpikingNetwork,
    currents: Mapping[str, Tensor],
    names: Sequence[str],
    *,
    seed: int,
    step: Step | None = None,
) -> Iterator[Moment]:
    """Run from rest, one step at a time; nothing is kept of the steps before but the state.

    Args:
        network: The network.
        currents: Inputs ``[T, B, N]`` by layer.
        names: The layers to run, as listed.
        seed: Of the layers' noise and of dropout, which are the same at every call.
        step: How the neurons of a layer take a step; `NeuronModel.advance` by default.
    """
    take = step or (lambda name, own, state: _advance(network, name, own, state))
    like = next(iter(currents.values()))
    generator = torch.Generator(like.device).manual_seed(seed)
    rest = network.rest(like.shape[1], like[0], layers=names)
    wires = wires_of(network, names)
    carry = {wire.name: wire.projection.prepared() for wire in wires}
    synapses = {w.name: w.opened(rest.connections[w.name], like, generator) for w in wires}
    queues = {w.name: w.queue(rest.layers[w.source].spikes, synapses[w.name]) for w in wires if w.late}
    states = {name: rest.layers[name].neurons for name in names}
    for t in range(len(like)):
        moment = Moment({}, dict(synapses), {})
        for name in names:
            layer = network.layer(name)
            first = layer.neuron.inputs[0]
            own: Inputs = {first: currents[name][t]} if name in currents else {}
            for wire in wires:
                if wire.target != name:
                    continue
                arrived, axons = _arriving(wire, moment.spikes, queues, synapses)
                current, kinetics = wire.projection.deliver(
                    arrived, synapses[wire.name], dt=network.dt, carry=carry[wire.name]
                )
                moment.arrived[wire.name] = arrived[0]
                synapses[wire.name] = axons | kinetics
                add(own, wire.input, current[0])
            if first not in own:
                own[first] = like.new_zeros(like.shape[1], layer.num_nodes)
            own[first] = layer.noisy(own[first], generator)
            moment.spikes[name], states[name] = take(name, own, states[name])
        queues = {
            w.name: torch.cat([queues[w.name][1:], moment.spikes[w.source][None]]) for w in wires if w.late
        }
        yield moment


def _advance(network: SpikingNetwork, name: str, own: Inputs, state: Any) -> tuple[Tensor, Any]:
    neuron = network.layer(name).neuron
    current, *others = (own.get(key) for key in neuron.inputs)
    assert current is not None
    further = {key: x for key, x in zip(neuron.inputs[1:], others, strict=True) if x is not None}
    return neuron.advance(current, state, **further)


def _arriving(
    wire: Wire, now: Mapping[str, Tensor], queues: Mapping[str, Tensor], synapses: Mapping[str, Tensors]
) -> tuple[Tensor, Tensors]:
    """Spikes ``[1, B, num_pre]`` that arrive in this step, and those under way."""
    if wire.late:
        return queues[wire.name][:1], {}
    return wire.arrive(now[wire.source][None], synapses[wire.name])
