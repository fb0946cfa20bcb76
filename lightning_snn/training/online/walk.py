"""A network a few steps at a time, without a graph: what arrives, what is sent, and the states between."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lightning_snn.core.tensors import Tensors
from lightning_snn.network import NetworkState, Recording, SpikingNetwork
from lightning_snn.network.take import INPUT
from lightning_snn.network.wire import Wire

MOST_STEPS = 64
MOST_NUMBERS = 2**17
"""Of one layer, in the steps that are held at a time: more are hardly faster, and take memory."""


class Block(NamedTuple):
    """Some steps S of a network.

    Args:
        steps: Which of the whole they are.
        spikes: Spikes ``[S, B, N]`` that each layer sends.
        arrived: Spikes ``[S, B, num_pre]`` that arrive through each connection, by its name.
        synapses: The state of each connection before them.
        before: The state of the neurons before each step, its variables ``[S, B, N]``, by layer, of those
            that were asked for.
        inputs: Inputs of the neurons ``[S, B, N]``, by layer and name.
    """

    steps: slice
    spikes: Tensors
    arrived: Tensors
    synapses: dict[str, Tensors]
    before: dict[str, Any]
    inputs: dict[str, Tensors]


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
    within: Sequence[str] = (),
) -> Iterator[Block]:
    """Run from rest, a few steps at a time; nothing is kept of those before but the state.

    Args:
        network: The network.
        currents: Inputs ``[T, B, N]`` by layer.
        names: The layers to run, as listed.
        seed: Of the layers' noise and of dropout, which are the same at every call.
        within: The layers of which states and inputs are wanted.
    """
    like = next(iter(currents.values()))
    generator = torch.Generator(like.device).manual_seed(seed)
    state = network.rest(like.shape[1], like[0], layers=names)
    wires = wires_of(network, names)
    opened = {w.name: w.opened(state.connections[w.name], like, generator) for w in wires}
    state = NetworkState(state.layers, state.connections | opened)
    size = _steps_of(network, names, like.shape[1])
    for first in range(0, len(like), size):
        now = {name: x[first : first + size] for name, x in currents.items()}
        run = _run(network, now, names, state, generator, within)
        spikes, after, before, inputs = run
        arrived = {w.name: _arrived(w, spikes[w.source], state) for w in wires}
        steps = slice(first, first + len(next(iter(now.values()))))
        yield Block(steps, spikes, arrived, state.connections, before, inputs)
        state = after


def _steps_of(network: SpikingNetwork, names: Sequence[str], batch: int) -> int:
    widest = max(network.layer(name).num_nodes for name in names)
    return max(1, min(MOST_STEPS, MOST_NUMBERS // (batch * widest)))


def _run(
    network: SpikingNetwork,
    now: Mapping[str, Tensor],
    names: Sequence[str],
    state: NetworkState,
    generator: torch.Generator,
    within: Sequence[str],
) -> tuple[Tensors, NetworkState, dict[str, Any], dict[str, Tensors]]:
    """Spikes, the state after, and of some layers states before each step, and inputs."""
    if not within:
        return *network.run(now, state, layers=names, generator=generator), {}, {}
    wanted, inputs = {}, {}
    for name in within:
        neuron = network.layer(name).neuron
        inputs[name] = dict(
            zip(neuron.inputs, ["current", *(INPUT + key for key in neuron.inputs[1:])], strict=True)
        )
        wanted[name] = [*neuron.state, *inputs[name].values()]
    spikes, after, recorded = network.run(
        now, state, layers=names, generator=generator, record=Recording(wanted, limit_mb=float(2**40))
    )
    before = {}
    for name in within:
        seen, start = recorded[name], state.layers[name].neurons
        before[name] = type(start)(
            *(torch.cat([x[None], seen[key][:-1]]) for key, x in zip(start._fields, start, strict=True))
        )
    given = {name: {key: recorded[name][seen] for key, seen in keys.items()} for name, keys in inputs.items()}
    return spikes, after, before, given


def _arrived(wire: Wire, sent: Tensor, state: NetworkState) -> Tensor:
    """Spikes ``[S, B, num_pre]`` when they arrive."""
    synapses = state.connections[wire.name]
    if not wire.late:
        return wire.arrive(sent, synapses)[0]
    queue = wire.queue(state.layers[wire.source].spikes, synapses)
    return torch.cat([queue, sent.to(queue.dtype)])[: len(sent)]
