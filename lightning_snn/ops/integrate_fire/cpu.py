"""Integrate-and-fire populations without a leak over time, in numba: the reference's bits."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN202

import numpy as np
from torch import Tensor

from lightning_snn.ops import parallel
from lightning_snn.ops.integrate_fire.reference import RESETS
from lightning_snn.ops.jit import array, jit, owned, strided

_SOFT, _NONE = RESETS.index("soft"), RESETS.index("none")


def scan(
    current: Tensor, v: Tensor, adaptation: Tensor, threshold: float, reset: str
) -> tuple[Tensor, Tensor]:
    """Spikes ``[T, B, N]`` and the potential after the last step."""
    spikes, end = current.new_empty(current.shape), owned(v)
    arguments = (
        *strided(current), end.numpy(), array(adaptation), threshold, RESETS.index(reset), spikes.numpy()
    )  # fmt: skip
    parallel.split(current.shape[1], lambda first, last: _scan(*arguments, first, last))
    return spikes, end


@jit
def _scan(current, st, sb, v, adaptation, threshold, reset, spikes, first, last):
    steps, _, nodes = spikes.shape
    base, limits = v.dtype.type(threshold), np.empty(nodes, v.dtype)
    for b in range(first, last):
        limits[:] = base + adaptation[b]
        for t in range(steps):
            start = t * st + b * sb
            _step(current[start : start + nodes], v[b], limits, base, spikes[t, b], reset)


@jit
def _step(row, v, limits, base, out, reset):
    zero, one = v.dtype.type(0), v.dtype.type(1)
    for i in range(len(v)):
        u = v[i] + row[i]
        fires = (u - limits[i]) / base >= zero
        lowered = u - limits[i] if reset == _SOFT else zero
        after = u if reset == _NONE else lowered
        v[i] = after if fires else u
        out[i] = one if fires else zero
