"""A plan as Python source for Triton: a program a block of a sample's neurons, its states in registers."""

from collections.abc import Iterable, Sequence

import torch

from lightning_snn.ops.compiler.expression import Expression, argument
from lightning_snn.ops.compiler.plan import Plan
from lightning_snn.ops.compiler.statements import COMMON, statements, strided

TABLE = COMMON | {
    "not": "({} == 0)",
    "where": "tl.where({}, {}, {})",
    "cast": "tl.where({}, 1.0, 0.0).to(F)",
    **{name: f"tl.{name}({{}})" for name in ("abs", "exp", "log", "sin", "cos", "floor", "ceil")},
    **{name: f"tools.{name}({{}}, F)" for name in ("sqrt", "tanh", "round")},
    "div": "tools.div({}, {}, F)",
}

HEAD = '''"""{title}

Compiled without fusing multiplications and additions: they round twice, as on a CPU.
"""

import torch
import triton
import triton.language as tl

from lightning_snn.ops import triton_tools as tools

F = tl.constexpr(tl.{dtype})
'''

BEGIN = """

@triton.jit
def {name}({arguments}, T, B, N, BLOCK: tl.constexpr):
    e = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    b = tl.program_id(1).to(tl.int64)
    here, at, size, one = e < N, b * N + e, (b * 0 + B) * N, b * 0 + 1
"""
JOIN = "tools.{}({}, sent, how, listed + b * N, e, here, N)"
AGAIN = """    for part_back in range(tl.cdiv(T, SEGMENT)):
        part = tl.cdiv(T, SEGMENT) - 1 - part_back
        first = part * SEGMENT
        length = tl.minimum(SEGMENT, T - first)
        tl.debug_barrier()
"""


def head(title: str, dtype: torch.dtype) -> str:
    """What every module begins with."""
    return HEAD.format(title=title, dtype=str(dtype).removeprefix("torch."))


def forward(plan: Plan, suffix: str) -> str:
    """Kernels ``scan``, ``sheet`` and ``uniform``, whose names end in ``suffix``."""
    states, sent = plan.states, ["out", *plan.recorded]
    outputs = [(_put(x), plan.forward[x]) for x in sent]
    outputs += [(_set(x, plan.forward[x]), plan.forward[x]) for x in states]
    given = {argument(x): _row(x) for x in plan.inputs} | _own(states)
    names = [*strided(plan.inputs), *sent, *states, *plan.kinds]

    def kernel(name: str, join: str = "", target: str = "") -> str:
        first = last = ""
        joined = {argument(target): JOIN.format(join, _row(target))} if join else {}
        if join:
            first, last = "    sent = before + b * N\n", "        sent = out + t * one * size + b * N\n"
        arguments = ", ".join([*names, *(("before", "how", "listed") if join else ())])
        body = _statements(outputs, given | joined, 8)
        begin = BEGIN.format(name=f"{name}{suffix}", arguments=arguments) + _loads(states, plan)
        return f"{begin}{first}    for t in range(T):\n{body}{last}{_stores(states)}"

    coupled = [kernel(f"uniform{x[1:]}", "inhibit", x) for x in plan.inputs]
    return "".join([kernel("scan"), *coupled, *(kernel("sheet", "couple", x) for x in plan.inputs[:1])])


def backward(plan: Plan, suffix: str) -> str:
    """Kernel ``back``: forward to keep the state at each segment's start; then the segments, last first."""
    again, moving = plan.recomputed, [f"g{x}" for x in plan.moving]
    out = [f"g{x}" for x in plan.backward if x not in plan.moving]
    rows = {argument(x): _row(x) for x in plan.inputs}
    places = {x: _at("kept", k, len(plan.kept), "(t - first)") for k, x in enumerate(plan.kept)}
    starts = {x: _at("starts", k, len(again), "{}") for k, x in enumerate(again)}
    advance = [(_set(x, plan.forward[x]), plan.forward[x]) for x in again]
    keep = [(f"tl.store({place}, {{}}, here)", x) for x, place in places.items()]
    results = [(_put(f"g{x}") if x[0] == "i" else _set(f"g{x}", v), v) for x, v in plan.backward.items()]
    arguments = [*strided(["g", *plan.inputs]), *out, *plan.states, *moving, *plan.kinds]
    begin = BEGIN.format(name=f"back{suffix}", arguments=", ".join([*arguments, "starts", "kept", "SEGMENT"]))
    lines = [begin, _loads([*again, *moving], plan)]
    if again:
        lines.append("    for t in range(T):\n        if t % SEGMENT == 0:\n")
        lines += [
            f"            tl.store({place.format('(t // SEGMENT)')}, {x}_, here)\n"
            for x, place in starts.items()
        ]
        lines.append(_statements(advance, rows | _own(again), 8))
    lines += [AGAIN, *(f"        {x}_ = {_load(place.format('part'))}\n" for x, place in starts.items())]
    if plan.kept:
        lines.append("        for t in range(first, first + length):\n")
        lines.append(_statements(keep + advance, rows | _own(again), 12) + "        tl.debug_barrier()\n")
    lines.append("        for back in range(length):\n            t = first + length - 1 - back\n")
    loads = {x: _load(place) for x, place in places.items()} | {argument("g"): _row("g")}
    lines += [_statements(results, rows | _own(moving) | loads, 12), _stores(moving)]
    return "".join(lines)


def _statements(outputs: Sequence[tuple[str, Expression]], given: dict[Expression, str], indent: int) -> str:
    return statements(outputs, given, TABLE, indent, "{}", "float('{}')")


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


def _loads(names: Iterable[str], plan: Plan) -> str:
    lines = [f"{x}_ = {_load(f'{x} + at')}" for x in names]
    truths = [f"h{k}" for k, x in enumerate(plan.hoisted) if x.op == "cast"]
    for x, kind in plan.kinds.items():
        whole = f"tl.load({x})" + (" + tl.zeros([BLOCK], F)" if x in truths else "")  # the interpreter's need
        lines.append(f"{x} = {_load(f'{x} + e') if kind == 'each' else whole}")
    return "".join(f"    {line}\n" for line in lines)


def _stores(names: Iterable[str]) -> str:
    return "".join(f"    tl.store({x} + at, {x}_, here)\n" for x in names)
