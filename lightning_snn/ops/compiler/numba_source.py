"""A plan as Python source for numba: loops over a row, in a loop over time, block by block."""

from collections.abc import Iterable, Mapping, Sequence

import torch

from lightning_snn.ops.compiler.expression import Expression, argument
from lightning_snn.ops.compiler.plan import Plan
from lightning_snn.ops.compiler.statements import COMMON, statements, strided

TABLE = COMMON | {
    "div": "({} / {})",
    "not": "(not {})",
    "where": "({1} if {0} else {2})",
    "cast": "(F(1) if {} else F(0))",
}

HEAD = '''"""{title}"""

import numpy as np
import torch

from lightning_snn.ops.compiler.inline import add, couple, exp, inhibit
from lightning_snn.ops.jit import jit

F, exp = np.{dtype}, {exp}
log, sqrt, tanh, sin, cos = np.log, np.sqrt, np.tanh, np.sin, np.cos
floor, ceil, round = np.floor, np.ceil, np.rint
inf, nan = F("inf"), F("nan")

'''

SCAN = """
@jit
def {name}({arguments}, T, B, N, block, first, last):
    parts = (N + block - 1) // block{scratch}
    for item in range(first, last):
        b, lo = item // parts, item % parts * block
        hi = min(lo + block, N)
        n = hi - lo{views}
        for t in range(T):
            {forward}{backward}
"""
COUPLED = """
@jit
def {name}({arguments}, T, B, N, before, how, first, last):
    lo, hi, total, fired = 0, N, np.empty(N, F), np.empty(N, np.int64)
    for b in range(first, last):{views}
        sent = before[b]
        for t in range(T):
            {join}({row}, sent, how, fired, total)
            {forward}
            sent = out[t, b]
"""
KEEP = """
@jit
def {name}({arguments}, out, joined, kept, T, B, N, before, how, first, last):
    lo, hi, fired, spare = 0, N, np.empty(N, np.int64), np.empty(({count}, N), F)
    for b in range(first, last):{views}
        sent = before[b]
        for t in range(T):
            {join}({row}, sent, how, fired, joined[t, b])
            {keep}
            sent = out[t, b]
"""
LAST = """
@jit
def {name}(t, g, {arguments}, joined, kept, first, last):
    lo, hi = 0, g.shape[1]
    for b in range(first, last):{views}
        {back}
"""
SCRATCH = """
    kept, spare = np.empty(({}, T, block), F), np.empty(({}, block), F)"""
COPY = """
        {x}_ = spare[{j}, :n]
        {x}_[:] = {x}[b, lo:hi]"""
BACK = """
        for t in range(T - 1, -1, -1):
            """
ROOM = """
    room = np.empty(block, F)"""
ADD = """
            add(gi0[0, b, lo:hi], room[:n])"""


def head(title: str, dtype: torch.dtype) -> str:
    """What every module begins with."""
    exp = "exp" if dtype == torch.float32 else "np.exp"
    return HEAD.format(title=title, dtype=str(dtype).removeprefix("torch."), exp=exp)


def forward(plan: Plan, suffix: str) -> str:
    """Kernels ``scan``, ``sheet`` and ``uniform``, their names ending in ``suffix``; the step they share."""
    states, sent = plan.states, ["out", *plan.recorded]
    outputs = [(f"{x}[e] = {{}}", plan.forward[x]) for x in (*sent, *states)]
    names = [*sent, *states, *plan.kinds]
    source = _step(f"fstep{suffix}", [*plan.inputs, *names], outputs, _loads([*plan.inputs, *states], plan))
    arguments = ", ".join([*strided(plan.inputs), *names])
    given = [*(f"{x}[t, b, lo:hi]" for x in sent), *_under([*states, *plan.kinds])]

    def kernel(form: str, name: str, joined: str = "", **parts: str) -> str:
        rows = ["total" if x == joined else _row(x) for x in plan.inputs]
        call = _call(f"fstep{suffix}", rows + given)
        views = _views(states, plan)
        return form.format(name=f"{name}{suffix}", arguments=arguments, views=views, forward=call, **parts)

    source += kernel(SCAN, "scan", scratch="", backward="")
    for x in plan.inputs:
        source += kernel(COUPLED, f"uniform{x[1:]}", x, join="inhibit", row=_row(x))
    return source + (
        kernel(COUPLED, "sheet", "i0", join="couple", row=_row("i0")) if "i0" in plan.inputs else ""
    )


def backward(plan: Plan, suffix: str) -> str:
    """Kernel ``back``: forward to keep what the gradients need, then backward.

    ``hold`` sums the gradient of an input that stays the same over the steps. Of neurons that send to each
    other ``keep`` is the way forward, and ``last`` one step backward: between two of these a matrix product
    carries the gradient of what was sent.
    """
    again, moving = plan.recomputed, [f"g{x}" for x in plan.moving]
    kept = {x: f"k{j}" for j, x in enumerate(plan.kept)}
    out = [f"g{x}" for x in plan.backward if x not in plan.moving]
    keep = [(f"{name}[e] = {{}}", x) for x, name in kept.items()]
    keep += [(f"{x}[e] = {{}}", plan.forward[x]) for x in again]
    results = [(f"g{x}[e] = {{}}", value) for x, value in plan.backward.items()]
    loads = _loads(["g", *plan.inputs, *moving], plan) | {x: f"{name}[e]" for x, name in kept.items()}
    first, second = [*kept.values(), *again, *plan.kinds], ["g", *out, *kept.values(), *moving, *plan.kinds]
    source = _step(f"rstep{suffix}", [*plan.inputs, *first], keep, _loads([*plan.inputs, *again], plan))
    source += _step(f"bstep{suffix}", [*plan.inputs, *second], results, loads)
    carried, views = _under([*again, *plan.kinds]), _views(moving, plan)
    copies = "".join(COPY.format(x=x, j=j) for j, x in enumerate(again))

    def calls(rows: Sequence[str], g: str, scratch: str) -> tuple[str, str]:
        """One step forward and one backward."""
        places = [scratch.format(j) for j in range(len(kept))]
        back = [*rows, g, *(f"{x}[t, b, lo:hi]" for x in out), *places, *_under([*moving, *plan.kinds])]
        forth = _call(f"rstep{suffix}", [*rows, *places, *carried]) if kept else "pass"
        return forth, _call(f"bstep{suffix}", back)

    forth, back = calls([_row(x) for x in plan.inputs], _row("g"), "kept[{}, t, :n]")
    names = [*strided(["g", *plan.inputs]), *out, *plan.states, *moving, *plan.kinds]

    def scan(name: str, back: str, room: str = "") -> str:
        return SCAN.format(
            name=f"{name}{suffix}", arguments=", ".join(names), forward=forth, backward=BACK + back,
            views=views + copies, scratch=SCRATCH.format(len(kept), len(again)) + room,
        )  # fmt: skip

    source += scan("back", back)
    if "gi0" not in out:
        return source
    source += scan("hold", back.replace("gi0[t, b, lo:hi]", "room[:n]") + ADD, ROOM)
    rows = ["joined[t, b]" if x == "i0" else _row(x) for x in plan.inputs]
    forth, back = calls(rows, "g[b]", "kept[{}, t, b]")
    names = [*strided(plan.inputs), *plan.states, *plan.kinds]
    source += KEEP.format(
        name=f"keep{suffix}", arguments=", ".join(names), row=_row("i0"), keep=forth, count=len(again),
        views=_views((), plan) + copies.replace(":n", ":"), join="couple",
    )  # fmt: skip
    names = [*strided([x for x in plan.inputs if x != "i0"]), *out, *moving, *plan.kinds]
    return source + LAST.format(name=f"last{suffix}", arguments=", ".join(names), back=back, views=views)


def _loads(names: Iterable[str], plan: Plan) -> dict[Expression, str]:
    each = [name for name, kind in plan.kinds.items() if kind == "each"]
    return {argument(x): f"{x}[e]" for x in (*names, *each)}


def _under(names: Iterable[str]) -> list[str]:
    return [f"{x}_" for x in names]


def _step(
    name: str,
    arguments: Sequence[str],
    outputs: Sequence[tuple[str, Expression]],
    given: Mapping[Expression, str],
) -> str:
    lines = statements(outputs, given, TABLE, 8, "F({})", "({})")
    return f"\n@jit\ndef {name}({', '.join(arguments)}):\n    for e in range(len({arguments[0]})):\n{lines}"


def _row(name: str) -> str:
    start = f"t * {name}_t + b * {name}_b"
    return f"{name}[{start} + lo:{start} + hi]"


def _call(name: str, arguments: Iterable[str]) -> str:
    return f"{name}({', '.join(arguments)})"


def _views(states: Iterable[str], plan: Plan) -> str:
    lines = [f"{x}_ = {x}[b, lo:hi]" for x in states]
    lines += [f"{x}_ = {x}" + ("[lo:hi]" if kind == "each" else "") for x, kind in plan.kinds.items()]
    return "".join(f"\n        {line}" for line in lines)
