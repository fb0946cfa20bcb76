"""Running layers over time: whole sequences, or in blocks of steps where loops join them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lightning_snn.core.tensors import Tensors
from lightning_snn.network import graph
from lightning_snn.network.blocks import Inputs, add, run_blocks
from lightning_snn.network.layer import LayerState, SpikingLayer
from lightning_snn.network.record import Recording, Wanted
from lightning_snn.network.recording import watch_of
from lightning_snn.network.watch import Watch
from lightning_snn.network.wire import Wire
from lightning_snn.ops.sequence import check_part


def run_layer(
    layer: SpikingLayer,
    inputs: Inputs,
    state: LayerState,
    loops: Sequence[Wire],
    synapses: dict[str, Tensors],
) -> tuple[Tensor, LayerState]:
    """Run one layer over time, with its connections to itself, if any.

    Args:
        layer: The layer.
        inputs: Its inputs from elsewhere, the first one at least.
        state: Its state before.
        loops: Its connections to itself.
        synapses: The states of connections by name; those of ``loops`` are replaced.

    Returns:
        Spikes ``[T, B, N]`` and the state after the last step.
    """
    done = _at_once(layer, inputs, state, loops)
    if done is not None:
        spikes, neurons = done
        return spikes, LayerState(neurons, spikes[-1].clone())
    name = loops[0].target
    found, states = run_blocks({name: layer}, {name: inputs}, {name: state}, loops, synapses)
    return found[name], states[name]


def _at_once(
    layer: SpikingLayer, inputs: Inputs, state: LayerState, loops: Sequence[Wire]
) -> tuple[Tensor, Any] | None:
    """Spikes and the neurons' last state, where there is a way to run all steps at once."""
    neuron, others = layer.neuron, dict(inputs)
    current = others.pop(neuron.inputs[0])
    if not loops:
        found: tuple[Tensor, Any] = neuron(current, state.neurons, **others)
        return found
    wire, *more = loops
    if more or not wire.is_plain or _needs_gradients(layer, inputs.values(), loops):
        return None
    return wire.projection.scan(neuron, current, state.neurons, state.spikes, input=wire.input, **others)


def _needs_gradients(layer: SpikingLayer, inputs: Iterable[Tensor], loops: Sequence[Wire]) -> bool:
    if not torch.is_grad_enabled():
        return False
    parts = [*inputs, *layer.neuron.parameters(), *(p for w in loops for p in w.projection.parameters())]
    return any(part.requires_grad for part in parts)


@dataclass
class Run:
    """One run of layers and connections over time.

    Args:
        layers: The layers to run, by name, as listed.
        wires: The connections that act.
        before: States of the layers before, by name.
        synapses: Those of the connections; replaced by those after.
        spikes: Spikes ``[T, B, N]`` by layer: of those that have run already, then of all.
        noise: Whether the layers' own noise acts.
        generator: Its source.
        watch: What takes the numbers that are recorded, if any.
    """

    layers: dict[str, SpikingLayer]
    wires: list[Wire]
    before: dict[str, LayerState]
    synapses: dict[str, Tensors]
    spikes: dict[str, Tensor]
    noise: bool
    generator: torch.Generator | None
    watch: Watch | None = None
    states: dict[str, LayerState] = field(default_factory=dict)

    def watched(self, record: Recording | Wanted, like: Tensor, *, dt: float) -> Watch:
        """What takes the numbers that are to be recorded; see `watch_of`."""
        recording = record if isinstance(record, Recording) else Recording(record)
        wires = {wire.name: wire for wire in self.wires}
        return watch_of(recording, self.layers, self.before, wires, self.synapses, like, dt=dt)

    def through(self, inputs: Mapping[str, Tensor], like: Tensor) -> None:
        """Run over ``inputs`` ``[T, B, N]`` by layer; ``like`` is a sequence of that T and B."""
        edges = tuple((w.source, w.target) for w in self.wires if {w.source, w.target} <= self.layers.keys())
        for group in graph.groups(tuple(self.layers), edges):
            outer = {name: self._outer(name, group, inputs, like) for name in group}
            inner = [wire for wire in self.wires if wire.source in group and wire.target in group]
            watch = self.watch if self.watch and self.watch.needs_steps(group, inner) else None
            if len(group) == 1 and watch is None:
                name = group[0]
                self.spikes[name], self.states[name] = run_layer(
                    self.layers[name], outer[name], self.before[name], inner, self.synapses
                )
            else:
                members = {name: self.layers[name] for name in group}
                sent, states = run_blocks(members, outer, self.before, inner, self.synapses, watch)
                self.spikes |= sent
                self.states |= states
            if self.watch:
                self._take(self.watch, group, {} if watch else outer)

    def after(self, names: Iterable[str]) -> dict[str, LayerState]:
        """States after the last step, by layer."""
        return {name: self.states[name] for name in names}

    def _outer(self, name: str, group: Sequence[str], inputs: Mapping[str, Tensor], like: Tensor) -> Inputs:
        """What a layer gets from outside its group."""
        layer = self.layers[name]
        first = layer.neuron.inputs[0]
        found: Inputs = {first: inputs[name]} if name in inputs else {}
        for wire in self.wires:
            if wire.target == name and wire.source not in group:
                sent = self.spikes[wire.source]
                current, self.synapses[wire.name] = wire.transmit(
                    sent,
                    self.before[wire.source].spikes,
                    self.synapses[wire.name],
                    dt=layer.dt,
                    see=self._seer(wire),
                )
                if self.watch:
                    self.watch.wire(wire.name, current)
                add(found, wire.input, current)
        if first not in found:
            found[first] = like.new_zeros(*like.shape[:2], layer.num_nodes)
        layer.check_current(found[first])
        check_part(
            f"state.layers.{name}.spikes", self.before[name].spikes, found[first].shape[1:], like=found[first]
        )
        if self.noise:
            found[first] = layer.noisy(found[first], self.generator)
        return found

    def _take(self, watch: Watch, group: Sequence[str], inputs: Mapping[str, Inputs]) -> None:
        """Take what layers that have run sent, and were given where that has not been taken step by step."""
        for name in group:
            watch.spikes(name, self.spikes[name])
            if name in inputs:
                watch.inputs(name, self.layers[name].neuron, inputs[name])

    def _seer(self, wire: Wire) -> Callable[[int, Tensors], None] | None:
        """What sees the kinetics of a wire step by step, where they are recorded."""
        if self.watch is None or not self.watch.sees_kinetics(wire.name):
            return None
        return partial(self.watch.kinetics, wire.name)
