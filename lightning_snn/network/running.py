"""Running layers over time: whole sequences, or step by step where loops join them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lightning_snn.core.tensors import Tensors
from lightning_snn.core.time import delayed
from lightning_snn.network import graph
from lightning_snn.network.layer import LayerState, SpikingLayer
from lightning_snn.ops.sequence import check_part
from lightning_snn.synapses import Projection

Inputs = dict[str, Tensor]
"""Inputs ``[T, B, N]`` of the neurons of a layer, by name."""


class Wire(NamedTuple):
    """A connection as it acts in a run.

    Args:
        name: Its name.
        source: The layer that sends.
        target: The layer that receives.
        input: The input of the target that it drives.
        projection: What it is made of, its own or another one that replaces it.
        late: Whether spikes arrive in the next step, since the target is not listed after the source.
    """

    name: str
    source: str
    target: str
    input: str
    projection: Projection
    late: bool

    @property
    def is_plain(self) -> bool:
        """Whether it has no state: neither delay nor kinetics."""
        return self.projection.delay == 0 and self.projection.kinetics is None


def add(inputs: Inputs, name: str, current: Tensor) -> None:
    """Add a current to an input, in place of the dictionary."""
    inputs[name] = inputs[name] + current if name in inputs else current


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
    found, states = run_steps({name: layer}, {name: inputs}, {name: state}, loops, synapses)
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


def run_steps(
    layers: Mapping[str, SpikingLayer],
    inputs: Mapping[str, Inputs],
    states: Mapping[str, LayerState],
    wires: Sequence[Wire],
    synapses: dict[str, Tensors],
) -> tuple[dict[str, Tensor], dict[str, LayerState]]:
    """Run layers that loops join, together and step by step.

    Args:
        layers: The layers by name, in the order in which they run in a step.
        inputs: Their inputs from elsewhere, by layer.
        states: Their states before.
        wires: The connections among them.
        synapses: The states of connections by name; those of ``wires`` are replaced.

    Returns:
        Spikes ``[T, B, N]`` and states after the last step, by layer.
    """
    outer = {name: {key: x.unbind(0) for key, x in inputs[name].items()} for name in layers}
    carry = {wire.name: wire.projection.prepared() for wire in wires}
    into = {name: [wire for wire in wires if wire.target == name] for name in layers}
    neurons = {name: states[name].neurons for name in layers}
    before = {name: states[name].spikes for name in layers}
    history: dict[str, list[Tensor]] = {name: [] for name in layers}
    for step in range(len(next(iter(next(iter(outer.values())).values())))):
        now: dict[str, Tensor] = {}
        for name, layer in layers.items():
            own = {key: steps[step] for key, steps in outer[name].items()}
            for wire in into[name]:
                spikes = (before if wire.late else now)[wire.source]
                if wire.is_plain:
                    current = carry[wire.name](spikes)
                else:
                    currents, synapses[wire.name] = wire.projection.transmit(
                        spikes[None], synapses[wire.name], dt=layer.dt, carry=carry[wire.name]
                    )
                    current = currents[0]
                add(own, wire.input, current)
            first = own.pop(layer.neuron.inputs[0])
            now[name], neurons[name] = layer.neuron.run_step(first, neurons[name], **own)
            history[name].append(now[name])
        before = now
    found = {name: torch.stack(steps) for name, steps in history.items()}
    return found, {name: LayerState(neurons[name], found[name][-1].clone()) for name in layers}


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
    """

    layers: dict[str, SpikingLayer]
    wires: list[Wire]
    before: dict[str, LayerState]
    synapses: dict[str, Tensors]
    spikes: dict[str, Tensor]
    noise: bool
    generator: torch.Generator | None
    states: dict[str, LayerState] = field(default_factory=dict)

    def through(self, inputs: Mapping[str, Tensor], like: Tensor) -> None:
        """Run over ``inputs`` ``[T, B, N]`` by layer; ``like`` is a sequence of that T and B."""
        edges = tuple((w.source, w.target) for w in self.wires if {w.source, w.target} <= self.layers.keys())
        for group in graph.groups(tuple(self.layers), edges):
            outer = {name: self._outer(name, group, inputs, like) for name in group}
            inner = [wire for wire in self.wires if wire.source in group and wire.target in group]
            if len(group) == 1:
                name = group[0]
                self.spikes[name], self.states[name] = run_layer(
                    self.layers[name], outer[name], self.before[name], inner, self.synapses
                )
            else:
                members = {name: self.layers[name] for name in group}
                sent, states = run_steps(members, outer, self.before, inner, self.synapses)
                self.spikes |= sent
                self.states |= states

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
                if wire.late:
                    sent, _ = delayed(sent, self.before[wire.source].spikes[:, None].to(sent))
                current, self.synapses[wire.name] = wire.projection.transmit(
                    sent, self.synapses[wire.name], dt=layer.dt
                )
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
