"""Competitive Hebbian learning, in numba: the reference's bits, stream by stream."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN202

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from lightning_snn.ops import parallel
from lightning_snn.ops.jit import add_rows, collect, furthest, jit
from lightning_snn.ops.seen import add_sites, pick, sites


def scan(
    spikes: Tensor,
    weight: Tensor,
    threshold: Tensor,
    wins: Tensor,
    largest: Tensor,
    constants: Sequence[float],
    nodes: Tensor | None = None,
) -> None:
    """Overwrite the state with that at the end of the chunk."""
    rows = weight.flatten(1, -2).numpy()
    state = (x.flatten(1).numpy() for x in (threshold, wins, largest))
    arguments = (spikes.to(weight.dtype).contiguous().numpy(), rows, *state, tuple(constants))
    fields = sites(nodes, spikes.shape[2])
    parallel.split(len(weight), lambda first, last: _scan(*arguments, fields, first, last))


@jit
def _scan(spikes, weight, threshold, wins, largest, constants, fields, first, last):
    steps, _, num_pre = spikes.shape
    groups, fan_in = fields.nodes.shape
    units, everything = weight.shape[2], len(fields.where) == 0
    f = threshold.dtype.type
    learning_rate, mean_weight, threshold_rate, winners = constants
    fired = np.empty(num_pre, np.int64)
    row, own = np.empty(fan_in, weight.dtype), np.empty(fan_in, weight.dtype)
    response = np.empty(threshold.shape[1], weight.dtype)
    for s in range(first, last):
        limits = threshold[s]
        for t in range(steps):
            step = spikes[t, s]
            count = collect(step, fired)
            if everything:
                add_rows(weight[s], step, fired, count, response)
            else:
                add_sites(weight[s], step, fired, count, fields, response)
            _respond(response, largest[s])
            for g in range(groups):
                low, high = g * units, (g + 1) * units
                for _ in range(int(winners)):
                    winner = furthest(response, limits, low, high)
                    margin = response[winner] - limits[winner]
                    if not margin > 0:
                        break
                    sent = step if everything else pick(step, fields.nodes[g, : fields.sizes[g]], own)
                    rows = weight[s, g * fan_in : (g + 1) * fan_in]
                    _learn(rows, winner - low, sent, row, f(learning_rate) * margin, mean_weight)
                    limits[winner] += f(threshold_rate) * margin
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
    for j in range(len(step)):
        row[j] = weight[j, winner] + rate * step[j]
        total += row[j]
    scale = row.dtype.type(mean_weight * (1.0 / (total / len(row))))  # as torch divides a number by a tensor
    for j in range(len(step)):
        weight[j, winner] = row[j] * scale
