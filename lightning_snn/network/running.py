"""Running layers over time: whole sequences, or in blocks of steps where loops join them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.network import graph
from lightning_snn.network.blocks import Inputs, add, run_blocks
from lightning_snn.network.layer import LayerState, SpikingLayer
from lightning_snn.network.record import Recording, Wanted
from lightning_snn.network.recording import watch_of
from lightning_snn.network.watch import Watch
from lightning_snn.network.wire import Wire
from lightning_snn.neurons import NeuronModel
from lightning_snn.ops.sequence import check_part


def run_layers(
    layers: Mapping[str, SpikingLayer],
    inputs: Mapping[str, Inputs],
    states: Mapping[str, LayerState],
    loops: Sequence[Wire],
    synapses: dict[str, Tensors],
    watch: Watch | None = None,
) -> tuple[dict[str, Tensor], dict[str, LayerState]]:
    """Run one layer, or several that loops join, over time: all steps at once where there is a way.

    Args:
        layers: The layers by name.
        inputs: Their inputs from elsewhere, the first one of each at least.
        states: Their states before.
        loops: The connections among them.
        synapses: The states of connections by name; those of ``loops`` are replaced.
        watch: What takes the numbers that are recorded, if any.

    Returns:
        Spikes ``[T, B, N]`` and states after the last step, by layer.
    """
    if len(layers) == 1:
        name, layer = next(iter(layers.items()))
        done = _at_once(name, layer, inputs[name], states[name], loops, watch)
        if done is not None:
            spikes, neurons = done
            return {name: spikes}, {name: LayerState(neurons, spikes[-1].clone())}
    return run_blocks(layers, inputs, states, loops, synapses, watch)


def _at_once(
    name: str,
    layer: SpikingLayer,
    inputs: Inputs,
    state: LayerState,
    loops: Sequence[Wire],
    watch: Watch | None,
) -> tuple[Tensor, Any] | None:
    """Spikes and the neurons' last state, where there is a way to run all steps at once."""
    neuron, others = layer.neuron, dict(inputs)
    current = others.pop(neuron.inputs[0])
    tap = watch.tap(name) if watch else None
    if not loops:
        found: tuple[Tensor, Any] | None = neuron(current, state.neurons, tap=tap, **others)
    elif len(loops) > 1 or not loops[0].is_plain:
        return None
    else:
        wire = loops[0]
        found = wire.projection.scan(
            neuron, current, state.neurons, state.spikes, input=wire.input, tap=tap, **others
        )
    if watch and found is not None:
        given = dict(inputs)
        for wire in loops:
            if watch.sees_current(wire):
                sent, _ = wire.transmit(found[0], state.spikes, {}, dt=layer.dt)
                watch.wire(wire.name, sent)
                add(given, wire.input, sent)
        watch.layer(name, neuron, given, found[0], tap)
    return found


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
            self._run(group, outer, inner, len(like))

    def _run(self, group: Sequence[str], outer: dict[str, Inputs], inner: Sequence[Wire], steps: int) -> None:
        """Run layers that loops join, in pieces of a sequence where that bounds the memory of a recording."""
        layers = {name: self.layers[name] for name in group}
        states, sent = {name: self.before[name] for name in group}, []
        if not inner and self._run_held(group[0], outer[group[0]], steps):
            return
        for inputs in outer.values():
            inputs |= {key: x.expand(steps, *x.shape[1:]) for key, x in inputs.items() if len(x) < steps}
        for piece in self._pieces(outer):
            spikes, states = run_layers(layers, piece, states, inner, self.synapses, self.watch)
            sent.append(spikes)
        self.states |= states
        for name in group:
            parts = [spikes[name] for spikes in sent]
            self.spikes[name] = parts[0] if len(parts) == 1 else torch.cat(parts)

    def _run_held(self, name: str, inputs: Inputs, steps: int) -> bool:
        """Run a layer whose only input stays the same; returns whether it is one."""
        layer, before = self.layers[name], self.before[name]
        current, *others = inputs.values()
        if others or len(current) == steps or type(layer.neuron).forward is not NeuronModel.forward:
            return False
        spikes, neurons = layer.neuron(current[0], before.neurons, steps=steps)
        self.spikes[name], self.states[name] = spikes, LayerState(neurons, spikes[-1].clone())
        return True

    def _pieces(self, outer: dict[str, Inputs]) -> Iterator[dict[str, Inputs]]:
        steps, batch, _ = next(iter(next(iter(outer.values())).values())).shape
        size = self.watch.steps(outer, batch) if self.watch else None
        if size is None or size >= steps:
            yield outer
            return
        for first in range(0, steps, size):
            now = slice(first, first + size)
            yield {name: {key: x[now] for key, x in inputs.items()} for name, inputs in outer.items()}

    def after(self, names: Iterable[str]) -> dict[str, LayerState]:
        """States after the last step, by layer."""
        return {name: self.states[name] for name in names}

    def _outer(self, name: str, group: Sequence[str], inputs: Mapping[str, Tensor], like: Tensor) -> Inputs:
        """What a layer gets from outside its group ``[T, B, N]``; where it stays the same ``[1, B, N]``."""
        layer = self.layers[name]
        first = layer.neuron.inputs[0]
        found: Inputs = {first: self._once(inputs[name])} if name in inputs else {}
        for wire in self.wires:
            if wire.target == name and wire.source not in group:
                sent = self.spikes[wire.source]
                sent = self._once(sent) if wire.holds else sent
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
        if self.noise and layer.noise:
            found[first] = layer.noisy(found[first].expand(like.shape[0], -1, -1), self.generator)
        return found

    def _once(self, sequence: Tensor) -> Tensor:
        """A sequence; its first step alone where all are the same, and nobody looks at each."""
        same = sequence.stride(0) == 0 and not sequence.requires_grad
        return sequence[:1] if same and self.watch is None and not checks.is_recorded() else sequence

    def _seer(self, wire: Wire) -> Callable[[Tensors], None] | None:
        """What sees the kinetics of a wire step by step, where they are recorded."""
        if self.watch is None or not self.watch.sees_kinetics(wire.name):
            return None
        return partial(self.watch.kinetics, wire.name)
