"""What the Triton kernels share.

They are compiled with ``enable_fp_fusion=False``: multiplying and adding round twice, as on a CPU.
"""
# ruff: noqa: ANN001, ANN201

import torch
import triton
import triton.language as tl
from torch import Tensor


def grid_of(nodes: int, block: int, batch: int) -> tuple[int, int]:
    """One program a block of neurons and sample."""
    return triton.cdiv(nodes, block), batch


def rows(sequence: Tensor) -> Tensor:
    """``sequence`` with neighbours in memory next to each other; an expanded time axis stays."""
    return sequence if sequence.stride(2) == 1 else sequence.contiguous()


def owned(values: Tensor) -> Tensor:
    """A contiguous copy."""
    return values.clone(memory_format=torch.contiguous_format)


def owned_gradient(gradient: Tensor | None, like: Tensor) -> Tensor:
    """As `owned`; zeros where nothing depends on the state."""
    if gradient is None:
        return torch.zeros_like(like, memory_format=torch.contiguous_format)
    return owned(gradient)


@triton.jit
def collect(s, n, mask, listed):
    """Write the numbers of the nodes that are not silent to ``listed``, ascending; returns their count."""
    one = tl.where(mask & (s != 0), 1, 0)
    place = tl.cumsum(one, 0) - one
    tl.debug_barrier()  # all threads have read the list of the step before
    tl.store(listed + place, n, mask=one > 0)
    tl.debug_barrier()
    return tl.sum(one, 0)


@triton.jit
def add_fired_rows(rows, sent, listed, count, n, mask, columns, like):
    """The sum of the listed rows times the spikes ``sent``, added in their order."""
    total = tl.zeros_like(like)
    for k in range(count):
        j = tl.load(listed + k).to(tl.int64)
        total += tl.load(sent + j) * tl.load(rows + j * columns + n, mask=mask, other=0.0)
    return total


@triton.jit
def couple(row, sent, coupling, listed, e, here, columns):
    """An input plus what the neurons that ``sent`` something send to each."""
    count = collect(tl.load(sent + e, mask=here, other=0.0), e, here, listed)
    return row + add_fired_rows(coupling, sent, listed, count, e, here, columns, row)


@triton.jit
def inhibit(row, sent, strength, listed, e, here, columns):  # noqa: ARG001 - as `couple`
    """An input plus ``strength`` times what all others have ``sent``."""
    own = tl.load(sent + e, mask=here, other=0.0)
    return row + strength * (tl.sum(own, 0) - own)


@triton.jit
def div(x, y, F: tl.constexpr):
    """A quotient, rounded as on a CPU."""
    if tl.float32 == F:
        return tl.div_rn(x, y)
    return x / y


@triton.jit
def sqrt(x, F: tl.constexpr):
    """A root, rounded as on a CPU."""
    if tl.float32 == F:
        return tl.sqrt_rn(x)
    return tl.sqrt(x)


@triton.jit
def tanh(x, F: tl.constexpr):
    """A series near 0, where the quotient of exponentials would cancel."""
    size, square = tl.abs(x), x * x
    e = tl.exp(-2.0 * size)
    far = tl.where(x < 0, -1.0, 1.0).to(F) * div(1.0 - e, 1.0 + e, F)
    near = (((62.0 / 2835.0 * square - 17.0 / 315.0) * square + 2.0 / 15.0) * square - 1.0 / 3.0) * square
    return tl.where(size < 0.05, x + x * near, far)


@triton.jit
def round(x, F: tl.constexpr):
    """The nearest whole number, the even one of two."""
    big: tl.constexpr = 12582912.0 if tl.float32 == F else 6755399441055744.0
    return tl.where(tl.abs(x) < big / 3, (x + big) - big, x)
