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
