"""Integrate-and-fire populations without a leak over time, in Triton: a program a block of neurons."""
# ruff: noqa: ANN001, ANN202

import torch
import triton
import triton.language as tl
from torch import Tensor

from lightning_snn.ops import triton_tools as tools
from lightning_snn.ops.integrate_fire.reference import RESETS

_SOFT, _HARD = tl.constexpr(RESETS.index("soft")), tl.constexpr(RESETS.index("hard"))

BLOCK = 256
"""Neurons of a program."""


def scan(
    current: Tensor, v: Tensor, adaptation: Tensor, threshold: float, reset: str
) -> tuple[Tensor, Tensor]:
    """Spikes ``[T, B, N]`` and the potential after the last step."""
    current, end = tools.rows(current), tools.owned(v)
    spikes = torch.empty(current.shape, dtype=v.dtype, device=v.device)
    steps, batch, nodes = current.shape
    _scan[tools.grid_of(nodes, BLOCK, batch)](
        current, current.stride(0), current.stride(1), end, adaptation.contiguous(),
        threshold, spikes, steps, batch, nodes, RESET=RESETS.index(reset), BLOCK=BLOCK,
        enable_fp_fusion=False,
    )  # fmt: skip
    return spikes, end


@triton.jit
def _scan(
    current,
    st,
    sb,
    v,
    adaptation,
    base,
    spikes,
    steps,
    batch,
    nodes,
    RESET: tl.constexpr,
    BLOCK: tl.constexpr,
):
    b = tl.program_id(1).to(tl.int64)
    n = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = n < nodes
    own = b * nodes + n
    x = tl.load(v + own, mask=mask, other=0.0)
    limit = base + tl.load(adaptation + own, mask=mask, other=0.0)
    source, target = current + b * sb + n, spikes + own
    for _ in range(steps):
        x = x + tl.load(source, mask=mask, other=0.0)
        fires = (x - limit) / base >= 0
        tl.store(target, tl.where(fires, 1.0, 0.0).to(x.dtype), mask=mask)
        if RESET == _SOFT:
            x = tl.where(fires, x - limit, x)
        elif RESET == _HARD:
            x = tl.where(fires, 0.0, x)
        source += st
        target += batch * nodes
    tl.store(v + own, x, mask=mask)
