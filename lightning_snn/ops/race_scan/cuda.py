"""A race to threshold among units that share a field, in Triton: one program a group of a stream."""
# ruff: noqa: ANN001, ANN202

import torch
import triton
import triton.language as tl
from torch import Tensor

from lightning_snn.ops.race_scan.reference import Race
from lightning_snn.ops.seen import seen
from lightning_snn.ops.triton_tools import add_fired_rows, collect


def race_scan(
    spikes: Tensor, weight: Tensor, threshold: Tensor, race: Race, nodes: Tensor | None = None
) -> None:
    """Write how the races end."""
    groups, num_post, num_pre = weight.shape
    steps, races = len(spikes), race.winner.numel()
    rows = spikes if nodes is None else seen(spikes, nodes).flatten(1, 2)
    fired = torch.empty(races, num_pre, dtype=torch.int32, device=weight.device)
    _race[(races,)](
        rows.contiguous(), weight.transpose(1, 2).contiguous(), threshold.contiguous(), *race, fired,
        steps, races, groups, num_pre, num_post,
        PRE=triton.next_power_of_2(num_pre), POST=triton.next_power_of_2(num_post), num_warps=4,
        enable_fp_fusion=False,
    )  # fmt: skip


@triton.jit
def _race(
    spikes, weight, threshold, winner, when, total, fired, steps, streams, groups, num_pre, num_post,
    PRE: tl.constexpr, POST: tl.constexpr,
):  # fmt: skip
    s = tl.program_id(0).to(tl.int64)
    j, i = tl.arange(0, PRE), tl.arange(0, POST)
    pre, post = j < num_pre, i < num_post
    rows, listed = weight + s % groups * num_pre * num_post, fired + s * num_pre
    limit = tl.load(threshold + s % groups * num_post + i, mask=post, other=0.0)
    v = tl.zeros_like(limit)
    so_far = tl.zeros_like(tl.load(spikes + j, mask=pre, other=0.0))
    won = tl.full((), -1, tl.int32)
    last = steps
    for t in range(steps):
        if won < 0:
            sent = spikes + (t * streams + s) * num_pre
            step = tl.load(sent + j, mask=pre, other=0.0)
            so_far += step
            count = collect(step, j, pre, listed)
            v += add_fired_rows(rows, sent, listed, count, i, post, num_post, v)
            over = tl.where(post, v - limit, -float("inf"))
            if tl.max(over, 0) >= 0:
                won = tl.argmax(over, 0)
                last = t
    tl.store(winner + s, won.to(tl.int64))
    tl.store(when + s, last.to(tl.int64))
    tl.store(total + s * num_pre + j, so_far, mask=pre)
