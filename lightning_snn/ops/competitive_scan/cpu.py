"""Competitive Hebbian learning, in numba: the reference's bits, stream by stream."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN202

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from lightning_snn.ops import parallel
from lightning_snn.ops.jit import add_rows, collect, furthest, jit


def scan(
    spikes: Tensor,
    weight: Tensor,
    threshold: Tensor,
    wins: Tensor,
    largest: Tensor,
    constants: Sequence[float],
) -> None:
    """Overwrite the state with that at the end of the chunk."""
    state = (x.numpy() for x in (weight, threshold, wins, largest))
    arguments = (spikes.to(weight.dtype).contiguous().numpy(), *state, tuple(constants))
    parallel.split(len(weight), lambda first, last: _scan(*arguments, first, last))


@jit
def _scan(spikes, weight, threshold, wins, largest, constants, first, last):
    steps, _, num_pre = spikes.shape
    f = threshold.dtype.type
    learning_rate, mean_weight, threshold_rate, winners = constants
    fired, row = np.empty(num_pre, np.int64), np.empty(num_pre, weight.dtype)
    response = np.empty(threshold.shape[1], weight.dtype)
    for s in range(first, last):
        for t in range(steps):
            step = spikes[t, s]
            add_rows(weight[s], step, fired, collect(step, fired), response)
            _respond(response, largest[s])
            for _ in range(int(winners)):
                winner = furthest(response, threshold[s])
                margin = response[winner] - threshold[s, winner]
                if not margin > 0:
                    break
                _learn(weight[s], winner, step, row, f(learning_rate) * margin, mean_weight)
                threshold[s, winner] += f(threshold_rate) * margin
                wins[s, winner] += 1
                response[winner] = -np.inf


@jit
def _respond(response, largest):
    zero = response.dtype.type(0)
    for i in range(len(response)):
        response[i] = response[i] if response[i] > zero else zero
        largest[i] = response[i] if response[i] > largest[i] else largest[i]


@jit
def _learn(weight, winner, step, row, rate, mean_weight):
    total = 0.0  # float64, as in the reference
    for j in range(len(row)):
        row[j] = weight[j, winner] + rate * step[j]
        total += row[j]
    scale = row.dtype.type(mean_weight * (1.0 / (total / len(row))))  # as torch divides a number by a tensor
    for j in range(len(row)):
        weight[j, winner] = row[j] * scale
