"""Local derivatives of steps of neurons: those of each by its own state, inputs and constants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lightning_snn.neurons import NeuronModel

Name = tuple[str, str]
"""``("state", variable)``, ``("input", name)`` or ``("constant", name)``; of what is sent `SPIKES`."""

SPIKES: Name = ("spikes", "")


@dataclass(frozen=True)
class Structure:
    """What the derivatives of a step are by, and of.

    Args:
        variables: The V variables that carry an influence of the sources on from step to step.
        sources: The S inputs and constants whose influence is asked for.
    """

    variables: list[Name]
    sources: list[Name]


@dataclass(frozen=True)
class Local:
    """How steps of a population depend on what went in.

    Args:
        derivatives: Those of spikes and variables by variables and sources, ``[1 + V, V + S, ..., N]``.
        structure: Which variables and sources these are.
    """

    derivatives: Tensor
    structure: Structure

    def by(self, source: Name) -> tuple[Tensor, Tensor]:
        """Derivatives of the spikes ``[..., N]`` and of the variables ``[V, ..., N]`` by a source."""
        found = self.derivatives[:, len(self.structure.variables) + self.structure.sources.index(source)]
        return found[0], found[1:]


def structure_of(neuron: NeuronModel, sources: Sequence[Name], like: Tensor) -> Structure:
    """The structure of a model's step, read from its graph at rest; ``like`` ``[1, N]`` as its input."""
    pairs = _pairs(neuron, sources, like)
    reached: set[Name] = set(sources)
    while more := {of for of, to in pairs if to in reached and of != SPIKES} - reached:
        reached |= more
    return Structure([name for name in _states(neuron) if name in reached], list(sources))


def has_membrane(neuron: NeuronModel, input: str, like: Tensor) -> bool:
    """Whether anything of an ``input`` is still there after a step; ``like`` ``[1, N]`` as its input."""
    source: Name = ("input", input)
    kept = structure_of(neuron, [source], like).variables
    return any(of in kept and to in kept for of, to in _pairs(neuron, [source], like))


def _states(neuron: NeuronModel) -> list[Name]:
    return [("state", name) for name in neuron.state]


def _pairs(neuron: NeuronModel, sources: Sequence[Name], like: Tensor) -> set[tuple[Name, Name]]:
    """``(of, to)`` where what a step gives depends on a variable or a source, whatever the numbers."""
    state = neuron.rest(1, like.shape[1], like)
    with torch.enable_grad():
        leaves, outputs = _step(
            neuron, dict.fromkeys(neuron.inputs, like), state, [*_states(neuron), *sources]
        )
        pairs = set()
        for of, value in outputs.items():
            if value.requires_grad:
                found = torch.autograd.grad(
                    value.sum(), list(leaves.values()), retain_graph=True, allow_unused=True
                )
                pairs |= {(of, to) for to, x in zip(leaves, found, strict=True) if x is not None}
    return pairs


def local_steps(neuron: NeuronModel, given: Mapping[str, Tensor], before: Any, structure: Structure) -> Local:
    """The local derivatives of steps, each of which starts from a state of its own, by one backward pass.

    A step is elementwise over neurons, so as many copies as it has outputs run side by side, of each of which
    one output is derived.

    Args:
        neuron: The model.
        given: Its inputs ``[..., N]`` by name.
        before: The state before each step.
        structure: Which derivatives are wanted.
    """
    outputs = [SPIKES, *structure.variables]
    shape, copies = before[0].shape, len(outputs)
    many = {name: _copies(x.to(before[0].dtype), copies) for name, x in given.items()}
    state = type(before)(*(_copies(x, copies) for x in before))
    with torch.enable_grad():
        leaves, found = _step(neuron, many, state, [*structure.variables, *structure.sources])
        parts = [found[name].chunk(copies)[k] for k, name in enumerate(outputs)]
        total = torch.stack([part.sum() for part in parts if part.requires_grad]).sum()
        grads = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    silent = torch.zeros_like(state[0])
    each = torch.stack([silent if grad is None else grad for grad in grads], 1)
    found_by = each.reshape(copies, -1, *each.shape[1:]).transpose(1, 2)
    return Local(found_by.reshape(*found_by.shape[:2], *shape), structure)


def _copies(values: Tensor, count: int) -> Tensor:
    return values.flatten(0, -2).repeat(count, 1)


def _step(
    neuron: NeuronModel, given: Mapping[str, Tensor], state: Any, leaves: Sequence[Name]
) -> tuple[dict[Name, Tensor], dict[Name, Tensor]]:
    """The leaves of the graph of one step, and what it gives, by name."""
    like = state[0]
    values: dict[Name, Tensor] = {
        ("state", name): x.detach() for name, x in zip(neuron.state, state, strict=True)
    }
    values |= {("input", name): x.detach() for name, x in given.items()}
    constants = neuron.constants_at(like)
    values |= {
        ("constant", name): constants[name].to(like.dtype).detach().expand_as(like)
        for kind, name in leaves
        if kind == "constant"
    }
    own = {name: values[name].clone().requires_grad_() for name in leaves}
    values |= own
    inputs = {name: x for (kind, name), x in values.items() if kind == "input"}
    before = type(state)(*(values["state", name] for name in neuron.state))
    fixed = {name: x.detach() for name, x in constants.items()}
    fixed |= {name: x for (kind, name), x in values.items() if kind == "constant"}
    spikes, after = neuron.advance_at(inputs, before, fixed)
    found: dict[Name, Tensor] = {SPIKES: spikes}
    return own, found | {("state", name): x for name, x in zip(neuron.state, after, strict=True)}
