"""Competitive Hebbian learning over the spikes of a chunk, in pure PyTorch."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.ops.event_sum import event_sum
from lightning_snn.ops.seen import seen


class CompetitiveConstants(NamedTuple):
    """Constants of the rule: learning rate, mean weight of a unit, rate of its threshold, winners a step."""

    learning_rate: float
    mean_weight: float
    threshold_rate: float
    winners: int = 1


class CompetitiveState(NamedTuple):
    """What the streams work on: weights ``[S, pre, post]``, and ``[S, post]`` each: thresholds, steps won
    in this chunk, largest response so far.
    Of G groups that see F inputs each: weights ``[S, G, F, K]``, and ``[S, G, K]`` each.
    """  # noqa: D205

    weight: Tensor
    threshold: Tensor
    wins: Tensor
    largest: Tensor


def competitive_scan(
    spikes: Tensor, state: CompetitiveState, c: CompetitiveConstants, nodes: Tensor | None = None
) -> CompetitiveState:
    """Step by step, group by group; see `lightning_snn.ops.competitive_scan.competitive_scan`.

    A row's mean is a sum in float64 in the order of the nodes: torch defines no order for `Tensor.sum`.
    """
    if nodes is None:
        return _scan(spikes, state, c)
    for g, own in enumerate(nodes):
        _scan(seen(spikes, own), CompetitiveState(*(value[:, g] for value in state)), c)
    return state


def _scan(spikes: Tensor, state: CompetitiveState, c: CompetitiveConstants) -> CompetitiveState:
    weight, threshold, wins, largest = state
    for step in spikes.unbind(0):
        response = event_sum(step, weight).relu()
        torch.maximum(largest, response, out=largest)
        over = response - threshold
        for _ in range(int(c.winners)):
            margin, winner = over.max(1)
            stream = (margin > 0).nonzero()[:, 0]
            if len(stream) == 0:
                break
            margin, winner = margin[stream], winner[stream]
            row = weight[stream, :, winner] + c.learning_rate * margin[:, None] * step[stream]
            mean = row.cumsum(1, dtype=torch.float64)[:, -1:] / row.shape[1]
            weight[stream, :, winner] = row * (c.mean_weight / mean).to(row.dtype)
            threshold[stream, winner] += c.threshold_rate * margin
            wins[stream, winner] += 1
            over[stream, winner] = -torch.inf
    return state
