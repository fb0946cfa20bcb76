"""A leaky sum over time, in Triton: one program a block of a sample's neurons."""
# ruff: noqa: ANN001, ANN202

import torch
import triton
import triton.language as tl
from torch import Tensor

from lightning_snn.ops import triton_tools as tools

BLOCK = 256
"""Neurons of a program."""


def exponential_filter(current: Tensor, start: Tensor, decay: float, reverse: bool) -> Tensor:
    """``[T, B, N]``; from the last step on where ``reverse``."""
    current = tools.rows(current)
    found = torch.empty(current.shape, dtype=start.dtype, device=start.device)
    steps, batch, nodes = current.shape
    first, way = (steps - 1, -1) if reverse else (0, 1)
    _scan[tools.grid_of(nodes, BLOCK, batch)](
        current[first], way * current.stride(0), current.stride(1), start.contiguous(), decay, found[first],
        way * batch * nodes, steps, nodes, BLOCK=BLOCK, enable_fp_fusion=False,
    )  # fmt: skip
    return found


@triton.jit
def _scan(current, st, sb, start, decay, found, ft, steps, nodes, BLOCK: tl.constexpr):
    b = tl.program_id(1).to(tl.int64)
    n = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = n < nodes
    own = b * nodes + n
    total = tl.load(start + own, mask=mask, other=0.0)
    source, target = current + b * sb + n, found + own
    for _ in range(steps):
        total = decay * total + tl.load(source, mask=mask, other=0.0)
        tl.store(target, total, mask=mask)
        source += st
        target += ft
