"""From a step to kernels: traced, planned, printed and kept."""

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.ops.compiler import numba_source, store, triton_source
from lightning_snn.ops.compiler.expression import FUNCTIONS
from lightning_snn.ops.compiler.plan import Kind, Plan, plan
from lightning_snn.ops.compiler.statements import COMMON, statements
from lightning_snn.ops.compiler.trace import Traced, trace

HOIST = COMMON | {
    "div": "({} / {})",
    "not": "(~{})",
    "where": "torch.where({}, {}, {})",
    "cast": "({}).to(torch.float64)",
    **{name: f"torch.{name}({{}})" for name in FUNCTIONS},
}
"""How torch computes what depends on constants alone."""


class Step(NamedTuple):
    """A neuron model's step and the names of all that goes in and comes out.

    Args:
        run: Takes tensors in the order of ``inputs``, ``state`` and ``constants``; returns spikes, the next
            state and the state before the reset.
        title: What it is called.
        inputs: Names of the inputs.
        state: Names of the variables.
        constants: Names of the constants.
    """

    run: Callable[..., Sequence[Tensor]]
    title: str
    inputs: tuple[str, ...]
    state: tuple[str, ...]
    constants: tuple[str, ...]


class Case(NamedTuple):
    """What kernels are made for.

    Args:
        kinds: Of the constants.
        starts: Numbers that states may start at, and then stay at; None for one that may start anywhere.
        absent: Inputs that are zero, by place.
        wanted: What needs a gradient: ``i0``, ``s1``, ``p2``.
        recorded: What is recorded: ``(place of a variable, before the reset)``.
        dtype: Number format.
    """

    kinds: tuple[Kind, ...]
    starts: tuple[float | None, ...]
    absent: tuple[int, ...]
    wanted: tuple[str, ...]
    recorded: tuple[tuple[int, bool], ...]
    dtype: torch.dtype


class Program(NamedTuple):
    """Key of the forward kernels; that of the backward ones and what needs a gradient, if anything does."""

    forward: str
    backward: str


def build(step: Step, case: Case) -> Program:
    """The kernels of a step.

    Raises:
        CannotCompileError: if the step holds what the compiler does not know.
    """
    inputs, state = [f"i{k}" for k in range(len(step.inputs))], [f"s{k}" for k in range(len(step.state))]
    constants = [f"p{k}" for k in range(len(step.constants))]
    names, count = [*inputs, *state, *constants], len(state)

    def run(*args: Tensor) -> list[Tensor]:
        spikes, *rest = step.run(*args)
        after, before = rest[:count], rest[count:]
        return [spikes, *after, *((before if early else after)[place] for place, early in case.recorded)]

    recorded = [f"r{k}" for k in range(len(case.recorded))]
    grads = ["g", *(f"g{x}" for x in state), *(None for _ in recorded)] if case.wanted else None
    traced = trace(run, names, grads, case.dtype)
    lines = statements([("{}", x) for x in (*traced.outputs, *traced.gradients)], {}, {}, 0, "{}", "{}")
    return Program(*store.remembered(f"{case}{lines}", lambda: _made(traced, names, recorded, step, case)))


def _made(traced: Traced, names: Sequence[str], recorded: Sequence[str], step: Step, case: Case) -> Program:
    """The kernels of a traced step."""
    state, constants = ([x for x in names if x[0] == letter] for letter in "sp")
    starts = {x: value for x, value in zip(state, case.starts, strict=True) if value is not None}
    absent = [f"i{k}" for k in case.absent]

    def kept(way: str, wanted: Sequence[str], starts: Mapping[str, float]) -> str:
        plans = [
            plan(
                traced, names, ["out", *state, *recorded], dict(zip(constants, case.kinds, strict=True)),
                absent=absent, starts=begin, wanted=wanted,
            )
            for begin in (starts, {})
        ]  # fmt: skip
        if plans[0].states == plans[1].states:
            del plans[0]
        return store.keep(
            *(_source(form, way, step, case.dtype, plans, starts) for form in (numba_source, triton_source))
        )

    program = Program(kept("forward", (), starts), "")
    if not case.wanted:
        return program
    starts = {x: value for x, value in starts.items() if x not in case.wanted}
    return Program(program.forward, " ".join([kept("backward", case.wanted, starts), *case.wanted]))


def _source(
    form: ModuleType,
    way: str,
    step: Step,
    dtype: torch.dtype,
    plans: Sequence[Plan],
    starts: Mapping[str, float],
) -> str:
    """A module: for each plan what comes from constants, then its kernels; the last is for all states."""
    letters = {"i": step.inputs, "s": step.state, "p": step.constants}
    named = ", ".join(
        f"{letter}{k} {name}" for letter, names in letters.items() for k, name in enumerate(names)
    )
    source, facts = form.head(f"{step.title}, {way}: {named}; out the spikes.", dtype), []
    constants = ", ".join(f"p{k}" for k in range(len(step.constants)))
    for k, made in enumerate(plans):
        facts.append(_facts(made, starts if k < len(plans) - 1 else {}))
        hoisted = [(f"h{j} = {{}}", x) for j, x in enumerate(made.hoisted)]
        lines = statements(hoisted, {}, HOIST, 4, "{}", "float('{}')") if hoisted else ""
        source += f"\ndef constants_{k}({constants}):\n{lines}    return [{', '.join(made.kinds)}]\n"
        source += getattr(form, way)(made, f"_{k}")
    return f"{source}\nVARIANTS = {facts}\n"


def _facts(made: Plan, starts: Mapping[str, float]) -> dict[str, object]:
    """What one who runs a kernel must know of its plan."""
    return {
        "inputs": _places(made.inputs),
        "states": _places(made.states),
        "starts": {int(x[1:]): value for x, value in starts.items() if x not in made.states},
        "kinds": list(made.kinds.values()),
        "gradients": list(made.backward),
        "kept": len(made.kept),
        "again": _places(made.recomputed),
    }


def _places(names: Sequence[str]) -> list[int]:
    return [int(name[1:]) for name in names]
