"""A race to threshold among units that share a field, in pure PyTorch."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.ops.event_sum import event_sum
from lightning_snn.ops.seen import seen


class Race(NamedTuple):
    """How races ended, ``[S, G]`` each: the unit that won and its step, int64, -1 and T where none did; and
    what the inputs of the group had sent by then, with that step ``[S, G, F]``.
    """  # noqa: D205

    winner: Tensor
    step: Tensor
    sent: Tensor


def race_scan(spikes: Tensor, weight: Tensor, threshold: Tensor, nodes: Tensor | None = None) -> Race:
    """Step by step, for ``weight [G, K, F]``; see `lightning_snn.ops.race_scan.race_scan`."""
    steps, streams, _ = spikes.shape
    rows = weight.transpose(1, 2).contiguous()
    v = weight.new_zeros(streams, *threshold.shape)
    sent = weight.new_zeros(streams, len(weight), weight.shape[2])
    winner = torch.full((streams, len(weight)), -1, device=weight.device)
    step = torch.full_like(winner, steps)
    for t, now in enumerate(spikes.unbind(0)):
        v += event_sum(now, rows[0])[:, None] if nodes is None else event_sum(now, rows, nodes=nodes)
        running = (winner < 0)[..., None]
        sent += running * (now[:, None] if nodes is None else seen(now, nodes))
        margin, best = (v - threshold).max(2)
        first = (margin >= 0) & (winner < 0)
        winner = torch.where(first, best, winner)
        step = torch.where(first, t, step)
    return Race(winner, step, sent)
