"""A plan as Python source for numba: loops over a row, in a loop over time, block by block."""

from collections.abc import Iterable, Mapping, Sequence

import torch

from lightning_snn.ops.compiler.expression import Expression, argument
from lightning_snn.ops.compiler.plan import Plan
from lightning_snn.ops.compiler.statements import COMMON, statements

TABLE = COMMON | {
    "div": "({} / {})",
    "not": "(not {})",
    "where": "({1} if {0} else {2})",
    "cast": "(F(1) if {} else F(0))",
}

HEAD = '''"""{title}"""

import numba
import numpy as np
import torch

from lightning_snn.ops.jit import add_rows, collect
from lightning_snn.ops.kernel_cache import keep_on_disk

F, I = np.{dtype}, np.int32
log, sqrt, tanh, sin, cos = np.log, np.sqrt, np.tanh, np.sin, np.cos
floor, ceil, round = np.floor, np.ceil, np.rint



def jit(function):
    compiled = numba.njit(function, nogil=True, error_model="numpy")
    keep_on_disk(compiled, function)
    return compiled


@jit
def join(row, total):
    for e in range(len(row)):
        total[e] = row[e] + total[e]


@jit
def inhibit(row, sent, strength, total):
    all_sent = F(0)
    for e in range(len(row)):
        all_sent += sent[e]
    for e in range(len(row)):
        total[e] = row[e] + strength * (all_sent - sent[e])

'''

EXP = {
    torch.float64: "\nexp = np.exp\n",
    torch.float32: '''
@jit
def exp(x):
    """Within 1 ulp, without a branch: a call of libm's would keep the loop from being vectorised."""
    y = F(-104) if x < F(-104) else x
    y = F(89) if y > F(89) else y
    k = (y * F(1.44269504) + F(12582912)) - F(12582912)
    r = (y - k * F(0.693359375)) - k * F(-2.12194440e-4)
    p = (F(1.9875691500e-4) * r + F(1.3981999507e-3)) * r + F(8.3334519073e-3)
    p = ((p * r + F(4.1665795894e-2)) * r + F(1.6666665459e-1)) * r + F(5.0000001201e-1)
    n = I(k)
    m = n >> I(1)
    return (p * (r * r) + r + F(1)) * I((m + I(127)) << I(23)).view(F) * I((n - m + I(127)) << I(23)).view(F)

''',
}  # fmt: skip

SCAN = """
@jit
def {name}({arguments}, block, first, last):
    {shape}parts = (N + block - 1) // block{scratch}
    for item in range(first, last):
        b, lo = item // parts, item % parts * block
        hi = min(lo + block, N)
        n = hi - lo{views}
        for t in range(T):
            {forward}{backward}
"""
SHEET = """
@jit
def sheet{suffix}({arguments}, before, coupling, first, last):
    T, B, N = out.shape
    lo, hi, total, fired = 0, N, np.empty(N, F), np.empty(N, np.int64)
    for b in range(first, last):{views}
        sent = before[b]
        for t in range(T):
            count = collect(sent, fired)
            add_rows(coupling, sent, fired, count, total)
            join({row}, total)
            {forward}
            sent = out[t, b]
"""
UNIFORM = """
@jit
def uniform{which}{suffix}({arguments}, before, strength, first, last):
    T, B, N = out.shape
    lo, hi, total = 0, N, np.empty(N, F)
    for b in range(first, last):{views}
        sent = before[b]
        for t in range(T):
            inhibit({row}, sent, strength, total)
            {forward}
            sent = out[t, b]
"""


SCRATCH = """
    kept, spare = np.empty(({}, T, block), F), np.empty(({}, block), F)"""


def head(title: str, dtype: torch.dtype) -> str:
    """What every module begins with."""
    return HEAD.format(title=title, dtype=str(dtype).removeprefix("torch.")) + EXP[dtype]


def forward(plan: Plan, suffix: str) -> str:
    """Kernels ``scan``, ``sheet`` and ``uniform``; the step that they share.

    Args:
        plan: What to compute.
        suffix: Of the names of the kernels.
    """
    states, each = plan.states, _each(plan)
    sent = ["out", *plan.recorded]
    given = _loads([*plan.inputs, *each, *states])
    outputs = [(f"{x}[e] = {{}}", plan.forward[x]) for x in (*sent, *states)]
    step = _step(f"fstep{suffix}", [*plan.inputs, *sent, *states, *plan.kinds], outputs, given)
    arguments = ", ".join([*_strided(plan.inputs), *sent, *states, *plan.kinds])
    views = _views(states, plan)
    others = [*(f"{x}[t, b, lo:hi]" for x in sent), *(f"{x}_" for x in (*states, *plan.kinds))]

    def calling(joined: str | None = None) -> str:
        return _call(f"fstep{suffix}", ["total" if x == joined else _row(x) for x in plan.inputs] + others)

    source = step + SCAN.format(
        name=f"scan{suffix}",
        arguments=arguments,
        shape="T, B, N = out.shape\n    ",
        scratch="",
        views=views,
        forward=calling(),
        backward="",
    )
    if "i0" in plan.inputs:
        source += SHEET.format(
            suffix=suffix, arguments=arguments, views=views, row=_row("i0"), forward=calling("i0")
        )
    for x in plan.inputs:
        source += UNIFORM.format(
            which=x[1:], suffix=suffix, arguments=arguments, views=views, row=_row(x), forward=calling(x)
        )
    return source


def backward(plan: Plan, suffix: str) -> str:
    """Kernel ``back``: forward to keep what the gradients need, then backward."""
    each, states, again = _each(plan), plan.states, plan.recomputed
    kept, moving = [f"k{j}" for j in range(len(plan.kept))], [f"g{x}" for x in plan.moving]
    out = [f"g{x}" for x in plan.backward if x not in plan.moving]
    given = _loads([*plan.inputs, *each])
    keep = [(f"{name}[e] = {{}}", x) for name, x in zip(kept, plan.kept, strict=True)]
    keep += [(f"{x}[e] = {{}}", plan.forward[x]) for x in again]
    source = _step(f"rstep{suffix}", [*plan.inputs, *kept, *again, *plan.kinds], keep, given | _loads(again))
    known = {x: f"{name}[e]" for name, x in zip(kept, plan.kept, strict=True)}
    results = [(f"g{x}[e] = {{}}", value) for x, value in plan.backward.items()]
    source += _step(
        f"bstep{suffix}",
        [*plan.inputs, "g", *out, *kept, *moving, *plan.kinds],
        results,
        given | _loads(["g", *moving]) | known,
    )
    copies = "".join(
        f"\n        {x}_ = spare[{j}, :n]\n        {x}_[:] = {x}[b, lo:hi]" for j, x in enumerate(again)
    )
    rows, constants = [_row(x) for x in plan.inputs], [f"{x}_" for x in plan.kinds]
    scratch = [f"kept[{j}, t, :n]" for j in range(len(kept))]
    first = (
        _call(f"rstep{suffix}", [*rows, *scratch, *(f"{x}_" for x in again), *constants]) if kept else "pass"
    )
    second = _call(
        f"bstep{suffix}",
        [
            *rows,
            _row("g"),
            *(f"{x}[t, b, lo:hi]" for x in out),
            *scratch,
            *(f"{x}_" for x in moving),
            *constants,
        ],
    )
    return source + SCAN.format(
        name=f"back{suffix}",
        arguments=", ".join([*_strided(["g", *plan.inputs]), *"TBN", *out, *states, *moving, *plan.kinds]),
        shape="", views=_views(moving, plan) + copies,
        scratch=SCRATCH.format(len(kept), len(again)),
        forward=first, backward=f"\n        for t in range(T - 1, -1, -1):\n            {second}",
    )  # fmt: skip


def _each(plan: Plan) -> list[str]:
    return [name for name, kind in plan.kinds.items() if kind == "each"]


def _loads(names: Iterable[str]) -> dict[Expression, str]:
    return {argument(x): f"{x}[e]" for x in names}


def _step(
    name: str,
    arguments: Sequence[str],
    outputs: Sequence[tuple[str, Expression]],
    given: Mapping[Expression, str],
) -> str:
    lines = statements(outputs, given, TABLE, 8, "F({})", "F('{}')")
    return f"\n@jit\ndef {name}({', '.join(arguments)}):\n    for e in range(len({arguments[0]})):\n{lines}"


def _strided(names: Iterable[str]) -> list[str]:
    return [x for name in names for x in (name, f"{name}_t", f"{name}_b")]


def _row(name: str) -> str:
    start = f"t * {name}_t + b * {name}_b"
    return f"{name}[{start} + lo:{start} + hi]"


def _call(name: str, arguments: Iterable[str]) -> str:
    return f"{name}({', '.join(arguments)})"


def _views(states: Iterable[str], plan: Plan) -> str:
    lines = [f"{x}_ = {x}[b, lo:hi]" for x in states]
    lines += [f"{x}_ = {x}" + ("[lo:hi]" if kind == "each" else "") for x, kind in plan.kinds.items()]
    return "".join(f"\n        {line}" for line in lines)
