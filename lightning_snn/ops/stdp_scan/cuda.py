"""STDP with one winner a step, in Triton: one program a stream."""
# ruff: noqa: ANN001, ANN202

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from lightning_snn.ops.seen import seen
from lightning_snn.ops.triton_tools import collect


def scan(
    spikes: Tensor,
    weight: Tensor,
    v: Tensor,
    pre_trace: Tensor,
    post_trace: Tensor,
    adaptive: Tensor,
    wins: Tensor,
    constants: Sequence[float],
    nodes: Tensor | None = None,
) -> None:
    """Overwrite the state with that at the end of the chunk; a group of a stream is a row of its own."""
    if nodes is not None:
        state = (weight, v, seen(pre_trace, nodes), post_trace, adaptive, wins)
        weights, v, trace, post_trace, adaptive, wins = (x.flatten(0, 1) for x in state)
        rows = seen(spikes, nodes).flatten(1, 2)
        scan(rows, weights, v, trace, post_trace, adaptive, wins, constants)
        for step in spikes.unbind(0):
            pre_trace.mul_(constants[1]).add_(step)
        return
    steps, streams, num_pre = spikes.shape
    num_post = v.shape[1]
    fired = torch.empty(streams, num_pre, dtype=torch.int32, device=weight.device)
    _scan[(streams,)](
        spikes.to(weight.dtype).contiguous(), weight, v, pre_trace, post_trace, adaptive, wins, fired,
        *constants, steps, streams, num_pre, num_post,
        PRE=triton.next_power_of_2(num_pre), POST=triton.next_power_of_2(num_post), num_warps=8,
        enable_fp_fusion=False,
    )  # fmt: skip


@triton.jit
def _scan(
    spikes, weight, v, pre_trace, post_trace, adaptive, wins, fired,
    membrane_decay, pre_decay, post_decay, base, fade, jump, rate, offset, pair,
    steps, streams, num_pre, num_post, PRE: tl.constexpr, POST: tl.constexpr,
):  # fmt: skip
    s = tl.program_id(0).to(tl.int64)
    j, i = tl.arange(0, PRE), tl.arange(0, POST)
    pre, post = j < num_pre, i < num_post
    rows, listed = weight + s * num_pre * num_post, fired + s * num_pre
    own = s * num_post + i
    x = tl.load(v + own, mask=post, other=0.0)
    trace = tl.load(pre_trace + s * num_pre + j, mask=pre, other=0.0)
    y = tl.load(post_trace + own, mask=post, other=0.0)
    rise = tl.load(adaptive + own, mask=post, other=0.0)
    won = tl.load(wins + own, mask=post, other=0)
    for t in range(steps):
        sent = spikes + (t * streams + s) * num_pre
        step = tl.load(sent + j, mask=pre, other=0.0)
        count = collect(step, j, pre, listed)
        trace = trace * pre_decay + step
        y = y * post_decay
        total = tl.zeros_like(x)
        for k in range(count):
            node = tl.load(listed + k).to(tl.int64)
            value, row = tl.load(sent + node), rows + node * num_post + i
            w = tl.load(row, mask=post, other=0.0)
            total += value * w
            tl.store(row, w * (1 - value * (pair * y)), mask=post)
        x = x * membrane_decay + total
        threshold = base + rise
        rise = rise * fade
        over = tl.where(post, x - threshold, -float("inf"))
        margin, winner = tl.max(over, 0), tl.argmax(over, 0)
        tl.debug_barrier()  # the depressed rows are read by the winner's column
        if margin > 0:
            x = tl.where(i == winner, 0.0, tl.maximum(x, 0.0) - threshold)
            column = rows + j * num_post + winner
            w = tl.load(column, mask=pre, other=0.0)
            above = trace - offset
            change = tl.where(above > 0, tl.minimum(above, 1.0) * (1 - w), above / offset * w)
            tl.store(column, w + rate * change, mask=pre)
            y = tl.where(i == winner, y + 1, y)
            rise = tl.where(i == winner, rise + jump, rise)
            won = tl.where(i == winner, won + 1, won)
        tl.debug_barrier()  # the next step reads the column
    tl.store(v + own, x, mask=post)
    tl.store(pre_trace + s * num_pre + j, trace, mask=pre)
    tl.store(post_trace + own, y, mask=post)
    tl.store(adaptive + own, rise, mask=post)
    tl.store(wins + own, won, mask=post)
