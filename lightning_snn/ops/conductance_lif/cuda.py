"""Conductance-based populations over time, in Triton: one program a sample, all of its neurons."""
# ruff: noqa: ANN001, ANN202

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from lightning_snn.ops import triton_tools as tools


def scan(
    drive: Tensor,
    inhibition: Tensor,
    before: Tensor,
    state: Sequence[Tensor],
    factors: Sequence[float],
    strength: float,
) -> tuple[Tensor, ...]:
    """Spikes ``[T, B, N]`` and the state after the last step."""
    drive, inhibition = tools.rows(drive), tools.rows(inhibition)
    end = [tools.owned(value) for value in state]
    spikes = torch.empty(drive.shape, dtype=end[0].dtype, device=drive.device)
    steps, batch, nodes = drive.shape
    _scan[(batch,)](
        drive, drive.stride(0), drive.stride(1), inhibition, inhibition.stride(0), inhibition.stride(1),
        before.contiguous(), *end, spikes, *factors, strength, steps, batch, nodes,
        BLOCK=triton.next_power_of_2(nodes), num_warps=8, enable_fp_fusion=False,
    )  # fmt: skip
    return spikes, *end


@triton.jit
def _scan(
    drive, st, sb, inhibition, it, ib, before, v, excitation, inhibited, clock, adaptation, spikes,
    h, rest, reset, base, pause, decay_e, decay_i, share_e, share_i, e_e, e_i, jump, fade, strength,
    steps, batch, nodes, BLOCK: tl.constexpr,
):  # fmt: skip
    b = tl.program_id(0).to(tl.int64)
    n = tl.arange(0, BLOCK)
    mask = n < nodes
    own = b * nodes + n
    x = tl.load(v + own, mask=mask, other=0.0)
    g_e = tl.load(excitation + own, mask=mask, other=0.0)
    g_i = tl.load(inhibited + own, mask=mask, other=0.0)
    k = tl.load(clock + own, mask=mask, other=0.0)
    a = tl.load(adaptation + own, mask=mask, other=0.0)
    s = tl.load(before + own, mask=mask, other=0.0)
    source, added, target = drive + b * sb + n, inhibition + b * ib + n, spikes + own
    for _ in range(steps):
        sent = strength * (tl.sum(s, 0) - s)
        g_e = g_e * decay_e + tl.load(source, mask=mask, other=0.0)
        g_i = g_i * decay_i + (tl.load(added, mask=mask, other=0.0) + sent)
        mean_e, mean_i = g_e * share_e, g_i * share_i
        pull = (rest + mean_e * e_e) + mean_i * e_i
        free = k <= 0
        u = tl.where(free, (x + h * pull) / (1 + h * ((1 + mean_e) + mean_i)), reset)
        fires = free & (u - (base + a) >= 0) & mask
        s = tl.where(fires, 1.0, 0.0).to(x.dtype)
        x = tl.where(fires, reset, u)
        k = tl.where(fires, pause, tl.maximum(k - 1, 0.0))
        a = a * fade + jump * s
        tl.store(target, s, mask=mask)
        source += st
        added += it
        target += batch * nodes
    tl.store(v + own, x, mask=mask)
    tl.store(excitation + own, g_e, mask=mask)
    tl.store(inhibited + own, g_i, mask=mask)
    tl.store(clock + own, k, mask=mask)
    tl.store(adaptation + own, a, mask=mask)
