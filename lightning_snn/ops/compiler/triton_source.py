"""A plan as Python source for Triton: a program a block of a sample's neurons, its states in registers."""

from collections.abc import Iterable, Sequence

import torch

from lightning_snn.ops.compiler.expression import Expression, argument
from lightning_snn.ops.compiler.plan import Plan
from lightning_snn.ops.compiler.statements import COMMON, statements

TABLE = COMMON | {
    "div": "div({}, {})",
    "not": "({} == 0)",
    "where": "tl.where({}, {}, {})",
    "cast": "tl.where({}, 1.0, 0.0).to(F)",
    "abs": "tl.abs({})",
    **{name: f"tl.{name}({{}})" for name in ("exp", "log", "sin", "cos", "floor", "ceil")},
}

HEAD = '''"""{title}

Compiled without fusing multiplications and additions: they round twice, as on a CPU.
"""

import torch
import triton
import triton.language as tl

from lightning_snn.ops.triton_tools import add_fired_rows, collect

F = tl.constexpr(tl.{dtype})
BIG = tl.constexpr({big})


@triton.jit
def div(x, y):
    return {div}


@triton.jit
def sqrt(x):
    return {sqrt}


@triton.jit
def tanh(x):
    """A series near 0, where the quotient of exponentials would cancel."""
    size, square = tl.abs(x), x * x
    e = tl.exp(-2.0 * size)
    far = tl.where(x < 0, -1.0, 1.0).to(F) * div(1.0 - e, 1.0 + e)
    near = (((62.0 / 2835.0 * square - 17.0 / 315.0) * square + 2.0 / 15.0) * square - 1.0 / 3.0) * square
    return tl.where(size < 0.05, x + x * near, far)


@triton.jit
def round(x):
    return tl.where(tl.abs(x) < BIG / 3, (x + BIG) - BIG, x)
'''

FORMATS = {
    torch.float32: {
        "dtype": "float32",
        "big": 1.5 * 2**23,
        "div": "tl.div_rn(x, y)",
        "sqrt": "tl.sqrt_rn(x)",
    },
    torch.float64: {"dtype": "float64", "big": 1.5 * 2**52, "div": "x / y", "sqrt": "tl.sqrt(x)"},
}

BEGIN = """

@triton.jit
def {name}({arguments}, T, B, N, BLOCK: tl.constexpr):
    e = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    b = tl.program_id(1).to(tl.int64)
    here, at, size, one = e < N, b * N + e, (b * 0 + B) * N, b * 0 + 1
"""
JOINED = """    count = collect(tl.load(before + at, here, 0.0), e, here, listed + b * N)
    sent = before + b * N
"""
JOIN = "total = {row} + add_fired_rows(coupling, sent, listed + b * N, count, e, here, N, {like})"
LIST = """        last = tl.load(out + t * one * size + at, here, 0.0)
        count = collect(tl.where(here, last, 0.0), e, here, listed + b * N)
        sent = out + t * one * size + b * N
"""
AGAIN = """    for part_back in range(tl.cdiv(T, SEGMENT)):
        part = tl.cdiv(T, SEGMENT) - 1 - part_back
        first = part * SEGMENT
        length = tl.minimum(SEGMENT, T - first)
        tl.debug_barrier()
"""


def head(title: str, dtype: torch.dtype) -> str:
    """What every module begins with."""
    return HEAD.format(title=title, **FORMATS[dtype])


def forward(plan: Plan, suffix: str) -> str:
    """Kernels ``scan``, ``sheet`` and ``uniform``."""
    states, sent = plan.states, ["out", *plan.recorded]
    given = {argument(x): _row(x) for x in plan.inputs}
    outputs = [(_put(x), plan.forward[x]) for x in sent] + [
        (_set(x, plan.forward[x]), plan.forward[x]) for x in states
    ]
    arguments = [*_strided(plan.inputs), *sent, *states, *plan.kinds]
    loads, stores = _loads(states, plan), _stores(states)

    def kernel(
        name: str, further: Sequence[str], before: str, join: dict[Expression, str], after: str
    ) -> str:
        body = _statements(outputs, given | join | _own(states), 8)
        begin = BEGIN.format(name=f"{name}{suffix}", arguments=", ".join([*arguments, *further]))
        return f"{begin}{loads}{before}    for t in range(T):\n{body}{after}{stores}"

    source = kernel("scan", [], "", {}, "")
    if "i0" in plan.inputs and states:
        joined = JOIN.format(row=_row("i0"), like=f"{states[0]}_").removeprefix("total = ")
        source += kernel("sheet", ["before", "coupling", "listed"], JOINED, {argument("i0"): joined}, LIST)
    for x in plan.inputs:
        joined = f"{_row(x)} + strength * (tl.sum(sent, 0) - sent)"
        last = "        sent = tl.load(out + t * one * size + at, here, 0.0)\n"
        source += kernel(
            f"uniform{x[1:]}",
            ["before", "strength"],
            "    sent = tl.load(before + at, here, 0.0)\n",
            {argument(x): joined},
            last,
        )
    return source


def backward(plan: Plan, suffix: str) -> str:
    """Kernel ``back``: forward to keep the state at each segment's start; then the segments, last first."""
    again, moving = plan.recomputed, [f"g{x}" for x in plan.moving]
    out = [f"g{x}" for x in plan.backward if x not in plan.moving]
    rows = {argument(x): _row(x) for x in plan.inputs}
    advance = [(_set(x, plan.forward[x]), plan.forward[x]) for x in again]
    keep = [(_place("kept", k, len(plan.kept), "(t - first)"), x) for k, x in enumerate(plan.kept)]
    kept = {x: _load(_at("kept", k, len(plan.kept), "(t - first)")) for k, x in enumerate(plan.kept)}
    results = [
        (_put(f"g{x}") if x[0] == "i" else _set(f"g{x}", value), value) for x, value in plan.backward.items()
    ]
    begin = "".join(
        f"            tl.store({_at('starts', j, len(again), '(t // SEGMENT)')}, {x}_, here)\n"
        for j, x in enumerate(again)
    )
    arguments = [
        *_strided(["g", *plan.inputs]),
        *out,
        *plan.states,
        *moving,
        *plan.kinds,
        "starts",
        "kept",
        "SEGMENT",
    ]
    source = BEGIN.format(name=f"back{suffix}", arguments=", ".join(arguments)) + _loads(
        [*again, *moving], plan
    )
    if again:
        source += f"    for t in range(T):\n        if t % SEGMENT == 0:\n{begin}"
        source += _statements(advance, rows | _own(again), 8)
    source += AGAIN
    source += "".join(
        f"        {x}_ = {_load(_at('starts', j, len(again), 'part'))}\n" for j, x in enumerate(again)
    )
    if plan.kept:
        source += "        for t in range(first, first + length):\n"
        source += _statements(keep + advance, rows | _own(again), 12) + "        tl.debug_barrier()\n"
    source += "        for back in range(length):\n            t = first + length - 1 - back\n"
    source += _statements(results, rows | {argument("g"): _row("g")} | _own(moving) | kept, 12)
    return source + _stores(moving)


def _statements(outputs: Sequence[tuple[str, Expression]], given: dict[Expression, str], indent: int) -> str:
    return statements(outputs, given, TABLE, indent, "{}", "float('{}')")


def _strided(names: Iterable[str]) -> list[str]:
    return [x for name in names for x in (name, f"{name}_t", f"{name}_b")]


def _own(names: Iterable[str]) -> dict[Expression, str]:
    return {argument(x): f"{x}_" for x in names}


def _load(place: str) -> str:
    return f"tl.load({place}, here, 0.0)"


def _row(name: str) -> str:
    return _load(f"{name} + t * one * {name}_t + b * {name}_b + e")


def _put(name: str) -> str:
    return f"tl.store({name} + t * one * size + at, {{}}, here)"


def _set(name: str, value: Expression) -> str:
    """Carried values keep their shape."""
    return f"{name}_ = {{}}" if value.varies else f"{name}_ = tl.zeros([BLOCK], F) + {{}}"


def _at(name: str, k: int, count: int, place: str) -> str:
    return f"{name} + ({place} * one * {count} + {k}) * size + at"


def _place(name: str, k: int, count: int, place: str) -> str:
    return f"tl.store({_at(name, k, count, place)}, {{}}, here)"


def _loads(names: Iterable[str], plan: Plan) -> str:
    lines = [f"{x}_ = {_load(f'{x} + at')}" for x in names]
    truths = [f"h{k}" for k, x in enumerate(plan.hoisted) if x.op == "cast"]
    for x, kind in plan.kinds.items():
        whole = f"tl.load({x})" + (" + tl.zeros([BLOCK], F)" if x in truths else "")  # the interpreter's need
        lines.append(f"{x} = {_load(f'{x} + e') if kind == 'each' else whole}")
    return "".join(f"    {line}\n" for line in lines)


def _stores(names: Iterable[str]) -> str:
    return "".join(f"    tl.store({x} + at, {x}_, here)\n" for x in names)
