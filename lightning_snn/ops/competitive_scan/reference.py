"""Competitive Hebbian learning over the spikes of a chunk, in pure PyTorch."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.ops.event_sum import event_sum


class CompetitiveConstants(NamedTuple):
    """Constants of the rule: learning rate, mean weight of a unit, rate of its threshold."""

    learning_rate: float
    mean_weight: float
    threshold_rate: float


class CompetitiveState(NamedTuple):
    """What the streams work on: weights ``[S, pre, post]``, and ``[S, post]`` each: thresholds, steps won
    in this chunk, largest response so far.
    """  # noqa: D205

    weight: Tensor
    threshold: Tensor
    wins: Tensor
    largest: Tensor


def competitive_scan(spikes: Tensor, state: CompetitiveState, c: CompetitiveConstants) -> CompetitiveState:
    """At each step the unit furthest above its threshold wins and alone learns.

        y = relu(W s)
        W[win] += eta (y - theta)[win] s, then rescaled to its mean
        theta[win] += r (y - theta)[win]

    Args:
        spikes: Presynaptic spikes ``[T, S, pre]`` in {0, 1}.
        state: Start of the chunk; its tensors are overwritten.
        c: Constants.

    Returns:
        The state at the end of the chunk.
    """
    weight, threshold, wins, largest = state
    for step in spikes.unbind(0):
        response = event_sum(step, weight).relu()
        torch.maximum(largest, response, out=largest)
        margin, winner = (response - threshold).max(1)
        stream = (margin > 0).nonzero()[:, 0]
        if len(stream) == 0:
            continue
        margin, winner = margin[stream], winner[stream]
        row = weight[stream, :, winner] + c.learning_rate * margin[:, None] * step[stream]
        weight[stream, :, winner] = row * (c.mean_weight / row.mean(1, keepdim=True))
        threshold[stream, winner] += c.threshold_rate * margin
        wins[stream, winner] += 1
    return state
