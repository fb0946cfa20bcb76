"""A leaky sum over time, in numba: the reference's bits, sample by sample."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN202

from torch import Tensor

from lightning_snn.ops import parallel
from lightning_snn.ops.jit import array, jit, strided


def exponential_filter(current: Tensor, start: Tensor, decay: float, reverse: bool) -> Tensor:
    """``[T, B, N]``; from the last step on where ``reverse``."""
    found = current.new_empty(current.shape)
    arguments = (*strided(current), array(start), decay, reverse, found.numpy())
    parallel.split(current.shape[1], lambda first, last: _scan(*arguments, first, last))
    return found


@jit
def _scan(current, st, sb, start, decay, reverse, found, first, last):
    steps, _, nodes = found.shape
    kept = start.dtype.type(decay)
    for b in range(first, last):
        before = start[b]
        for k in range(steps):
            t = steps - 1 - k if reverse else k
            place = t * st + b * sb
            _step(current[place : place + nodes], before, kept, found[t, b])
            before = found[t, b]


@jit
def _step(current, before, kept, out):
    for i in range(len(out)):
        out[i] = kept * before[i] + current[i]
