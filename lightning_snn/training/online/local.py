"""One step of neurons with its local derivatives, those of each neuron by its own state, inputs and constants."""

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
class Local:
    """What one step of a population gives, and how it depends on what went in.

    Args:
        spikes: Spikes ``[B, N]``.
        after: The next state.
        by: Derivatives ``[B, N]`` of spikes and of variables by variables, inputs and constants, under
            ``(of, to)``; ``[B, 1]`` where all neurons of a sample have the same.
    """

    spikes: Tensor
    after: Any
    by: dict[tuple[Name, Name], Tensor]


@dataclass(frozen=True)
class Structure:
    """Which derivatives of a step may differ from 0, whatever the numbers.

    Args:
        variables: The variables that carry an influence of the sources on from step to step.
        sources: Inputs and constants whose influence is asked for.
        pairs: The derivatives, as in `Local`.
    """

    variables: list[Name]
    sources: list[Name]
    pairs: set[tuple[Name, Name]]


def structure_of(neuron: NeuronModel, sources: Sequence[Name], like: Tensor) -> Structure:
    """The structure of a model's step, read from its graph at rest; ``like`` ``[1, N]`` as its input."""
    state = neuron.rest(1, like.shape[1], like)
    states: list[Name] = [("state", name) for name in neuron.state]
    with torch.enable_grad():
        leaves, outputs = _step(neuron, dict.fromkeys(neuron.inputs, like), state, [*states, *sources])
        pairs = set()
        for of, value in outputs.items():
            if value.requires_grad:
                found = torch.autograd.grad(
                    value.sum(), list(leaves.values()), retain_graph=True, allow_unused=True
                )
                pairs |= {(of, to) for to, x in zip(leaves, found, strict=True) if x is not None}
    reached: set[Name] = set(sources)
    while more := {of for of, to in pairs if to in reached and of != SPIKES} - reached:
        reached |= more
    variables = [name for name in states if name in reached]
    kept = {SPIKES, *variables}, {*variables, *sources}
    return Structure(variables, list(sources), {(a, b) for a, b in pairs if a in kept[0] and b in kept[1]})


def has_membrane(neuron: NeuronModel, input: str, like: Tensor) -> bool:
    """Whether anything of an ``input`` is still there after a step; ``like`` ``[1, N]`` as its input."""
    found = structure_of(neuron, [("input", input)], like)
    return any(of in found.variables and to in found.variables for of, to in found.pairs)


def local_step(neuron: NeuronModel, given: Mapping[str, Tensor], state: Any, structure: Structure) -> Local:
    """One step ``[B, N]``, with all its local derivatives by one backward pass.

    The step is elementwise over neurons, so as many copies as it has outputs run side by side, of each of
    which one output is derived.

    Args:
        neuron: The model.
        given: Its inputs ``[B, N]`` by name.
        state: Its state before.
        structure: Which derivatives are wanted.
    """
    outputs = [SPIKES, *structure.variables]
    batch, copies = len(state[0]), len(outputs)
    wanted = [*structure.variables, *structure.sources]
    many = {name: x.to(state[0].dtype).repeat(copies, 1) for name, x in given.items()}
    before = type(state)(*(x.repeat(copies, 1) for x in state))
    with torch.enable_grad():
        leaves, found = _step(neuron, many, before, wanted)
        parts = [found[name].unflatten(0, (copies, batch))[k] for k, name in enumerate(outputs)]
        total = torch.stack([part.sum() for part in parts if part.requires_grad]).sum()
        grads = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    by = {}
    for to, grad in zip(leaves, grads, strict=True):
        if grad is not None:
            each = grad.unflatten(0, (copies, batch))
            by |= {(of, to): _shared(each[k]) for k, of in enumerate(outputs) if (of, to) in structure.pairs}
    after = type(state)(*(found["state", name][:batch].detach() for name in neuron.state))
    return Local(found[SPIKES][:batch].detach(), after, by)


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


def _shared(values: Tensor) -> Tensor:
    """``[B, N]``, or ``[B, 1]`` where all neurons of a sample have the same."""
    first = values[:, :1]
    return first if bool((values == first).all()) else values
