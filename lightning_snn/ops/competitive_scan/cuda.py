"""Competitive Hebbian learning, in Triton: one program a stream."""
# ruff: noqa: ANN001, ANN202

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from lightning_snn.ops.seen import seen
from lightning_snn.ops.triton_tools import add_fired_rows, collect


def scan(
    spikes: Tensor,
    weight: Tensor,
    threshold: Tensor,
    wins: Tensor,
    largest: Tensor,
    constants: Sequence[float],
    nodes: Tensor | None = None,
) -> None:
    """Overwrite the state with that at the end of the chunk; a group of a stream is a row of its own."""
    if nodes is not None:
        weight, threshold, wins, largest = (x.flatten(0, 1) for x in (weight, threshold, wins, largest))
        scan(seen(spikes, nodes).flatten(1, 2), weight, threshold, wins, largest, constants)
        return
    steps, streams, num_pre = spikes.shape
    num_post = threshold.shape[1]
    fired = torch.empty(streams, num_pre, dtype=torch.int32, device=weight.device)
    learning_rate, mean_weight, threshold_rate, winners = constants
    _scan[(streams,)](
        spikes.to(weight.dtype).contiguous(), weight, threshold, wins, largest, fired,
        learning_rate, mean_weight, threshold_rate, int(winners), steps, streams, num_pre, num_post,
        PRE=triton.next_power_of_2(num_pre), POST=triton.next_power_of_2(num_post), num_warps=8,
        enable_fp_fusion=False,
    )  # fmt: skip


@triton.jit
def _scan(
    spikes, weight, threshold, wins, largest, fired, learning_rate, mean_weight, threshold_rate,
    winners, steps, streams, num_pre, num_post, PRE: tl.constexpr, POST: tl.constexpr,
):  # fmt: skip
    s = tl.program_id(0).to(tl.int64)
    j, i = tl.arange(0, PRE), tl.arange(0, POST)
    pre, post = j < num_pre, i < num_post
    rows, listed = weight + s * num_pre * num_post, fired + s * num_pre
    theta = tl.load(threshold + s * num_post + i, mask=post, other=0.0)
    won = tl.load(wins + s * num_post + i, mask=post, other=0)
    most = tl.load(largest + s * num_post + i, mask=post, other=0.0)
    for t in range(steps):
        sent = spikes + (t * streams + s) * num_pre
        step = tl.load(sent + j, mask=pre, other=0.0)
        count = collect(step, j, pre, listed)
        response = tl.maximum(add_fired_rows(rows, sent, listed, count, i, post, num_post, theta), 0.0)
        most = tl.maximum(most, response)
        over = tl.where(post, response - theta, -float("inf"))
        for _ in range(winners):
            margin, winner = tl.max(over, 0), tl.argmax(over, 0)
            if margin > 0:
                column = rows + j * num_post + winner
                w = tl.load(column, mask=pre, other=0.0) + learning_rate * margin * step
                scale = mean_weight / (tl.sum(tl.where(pre, w, 0.0), 0) / num_pre)
                tl.store(column, w * scale, mask=pre)
                theta = tl.where(i == winner, theta + threshold_rate * margin, theta)
                won = tl.where(i == winner, won + 1, won)
                over = tl.where(i == winner, -float("inf"), over)
        tl.debug_barrier()  # the next step reads the column
    tl.store(threshold + s * num_post + i, theta, mask=post)
    tl.store(wins + s * num_post + i, won, mask=post)
    tl.store(largest + s * num_post + i, most, mask=post)
