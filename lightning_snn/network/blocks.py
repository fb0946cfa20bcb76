"""Running layers that loops join, in blocks of steps within which nothing that is sent arrives late."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lightning_snn.core.tensors import Tensors
from lightning_snn.network.layer import LayerState, SpikingLayer
from lightning_snn.network.watch import Watch
from lightning_snn.network.wire import Wire
from lightning_snn.ops.tap import Tap

Inputs = dict[str, Tensor]
"""Inputs ``[T, B, N]`` of the neurons of a layer, by name."""


def add(inputs: Inputs, name: str, current: Tensor) -> None:
    """Add a current to an input, in place of the dictionary."""
    inputs[name] = inputs[name] + current if name in inputs else current


def run_blocks(
    layers: Mapping[str, SpikingLayer],
    inputs: Mapping[str, Inputs],
    states: Mapping[str, LayerState],
    wires: Sequence[Wire],
    synapses: dict[str, Tensors],
    watch: Watch | None = None,
) -> tuple[dict[str, Tensor], dict[str, LayerState]]:
    """Run layers that loops join, together, as many steps at a time as the shortest delay of a late wire.

    Args:
        layers: The layers by name, in the order in which they run in a block.
        inputs: Their inputs from elsewhere, by layer.
        states: Their states before.
        wires: The connections among them.
        synapses: The states of connections by name; those of ``wires`` are replaced.
        watch: What takes the numbers that are recorded; kinetics are seen one step at a time.

    Returns:
        Spikes ``[T, B, N]`` and states after the last step, by layer.
    """
    slow = watch is not None and any(watch.sees_kinetics(wire.name) for wire in wires)
    size = 1 if slow else min(wire.steps for wire in wires if wire.late)
    outer = {name: {key: torch.split(x, size) for key, x in inputs[name].items()} for name in layers}
    carry = {wire.name: wire.projection.prepared() for wire in wires}
    into = {name: [wire for wire in wires if wire.target == name] for name in layers}
    queues = {w.name: w.queue(states[w.source].spikes, synapses[w.name]) for w in wires if w.late}
    neurons = {name: states[name].neurons for name in layers}
    history: dict[str, list[Tensor]] = {name: [] for name in layers}
    for block in range(len(next(iter(next(iter(outer.values())).values())))):
        now: dict[str, Tensor] = {}
        for name, layer in layers.items():
            own = {key: blocks[block] for key, blocks in outer[name].items()}
            steps = len(next(iter(own.values())))
            for wire in into[name]:
                state, axons = synapses[wire.name], Tensors()
                if wire.late:
                    arrived = queues[wire.name][:steps]
                else:
                    arrived, axons = wire.arrive(now[wire.source], state)
                current, kinetics = wire.projection.deliver(
                    arrived, state, dt=layer.dt, carry=carry[wire.name]
                )
                synapses[wire.name] = axons | kinetics
                add(own, wire.input, current)
                if watch:
                    watch.wire(wire.name, current)
                    watch.kinetics(wire.name, kinetics)
            tap = watch.tap(name) if watch else None
            now[name], neurons[name] = _run_block(layer, own, neurons[name], tap)
            if watch:
                watch.layer(name, layer.neuron, own, now[name], tap)
            history[name].append(now[name])
        for wire in wires:
            if wire.late:
                queues[wire.name] = _moved_on(queues[wire.name], now[wire.source])
    for wire in wires:
        if wire.late and wire.under_way:
            older = queues[wire.name][:-1].transpose(0, 1)
            synapses[wire.name]["on_the_way"] = older.clone(memory_format=torch.contiguous_format)
    found = {name: torch.cat(blocks) for name, blocks in history.items()}
    return found, {name: LayerState(neurons[name], found[name][-1].clone()) for name in layers}


def _run_block(layer: SpikingLayer, inputs: Inputs, state: Any, tap: Tap | None) -> tuple[Tensor, Any]:
    """Spikes of a block, and the neurons' state after it."""
    first, *others = layer.neuron.inputs
    current, further = inputs[first], {name: inputs[name] for name in others if name in inputs}
    if len(current) > 1:
        return layer.neuron.scan(current, state, tap=tap, **further)
    step = {name: x[0] for name, x in further.items()}
    spikes, state = layer.neuron.run_step(current[0], state, tap=tap, **step)
    return spikes[None], state


def _moved_on(queue: Tensor, sent: Tensor) -> Tensor:
    """A queue of as many steps with what was ``sent`` in a block, without what arrived in it."""
    if len(queue) == len(sent):
        return sent
    return torch.cat([queue[len(sent) :], sent.to(queue.dtype)])
