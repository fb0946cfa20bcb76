"""A race to threshold among units that share a field, in numba: the reference's bits, stream by stream."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN202

import numpy as np
from torch import Tensor

from lightning_snn.ops import parallel
from lightning_snn.ops.jit import add_rows, array, collect, furthest, jit
from lightning_snn.ops.race_scan.reference import Race
from lightning_snn.ops.seen import Sites, add_sites, sites


def race_scan(
    spikes: Tensor, weight: Tensor, threshold: Tensor, race: Race, nodes: Tensor | None = None
) -> None:
    """Write how the races end."""
    rows = array(weight.transpose(1, 2)).reshape(-1, weight.shape[1])
    arguments = (array(spikes), rows, array(threshold).reshape(-1), sites(nodes, spikes.shape[2]))
    found = (race.winner.numpy(), race.step.numpy(), race.sent.numpy())
    parallel.split(spikes.shape[1], lambda first, last: _race(*arguments, *found, first, last))


@jit
def _race(spikes, rows, threshold, fields, winners, ends, totals, first, last):
    steps, _, num_nodes = spikes.shape
    groups, units = len(fields.nodes), rows.shape[1]
    everything = len(fields.where) == 0
    fired, so_far = np.empty(num_nodes, np.int64), np.empty(num_nodes, rows.dtype)
    v, total = np.empty(groups * units, rows.dtype), np.empty(groups * units, rows.dtype)
    kept = Sites(fields.nodes, fields.sizes, fields.starts.copy(), fields.where.copy(), fields.groups.copy())
    for s in range(first, last):
        winner, step, sent, watched = winners[s], ends[s], totals[s], fields
        winner[:] = -1
        step[:] = steps
        v[:], so_far[:] = 0, 0
        running = listed = groups
        for t in range(steps):
            if running == 0:
                break
            if not everything and 2 * running < listed:
                _drop(watched, winner, kept)
                watched, listed = kept, running
            count = collect(spikes[t, s], fired)
            for k in range(count):
                so_far[fired[k]] += spikes[t, s, fired[k]]
            if everything:
                add_rows(rows, spikes[t, s], fired, count, total)
            else:
                add_sites(rows, spikes[t, s], fired, count, watched, total)
            _integrate(v, total)
            for g in range(groups):
                if winner[g] < 0:
                    best = furthest(v, threshold, g * units, (g + 1) * units)
                    if v[best] - threshold[best] >= 0:
                        winner[g], step[g] = best - g * units, t
                        _look(so_far, fields, g, sent[g])
                        running -= 1
        for g in range(groups):
            if winner[g] < 0:
                _look(so_far, fields, g, sent[g])


@jit
def _drop(watched, winner, kept):
    """Write the sites of the groups whose race is not over to ``kept``, which may be where they stand."""
    count, begin = 0, watched.starts[0]
    for node in range(len(watched.starts) - 1):
        end = watched.starts[node + 1]
        for p in range(begin, end):
            group = watched.groups[p]
            kept.where[count], kept.groups[count] = watched.where[p], group
            count += winner[group] < 0  # without a branch, which nothing would foretell
        begin, kept.starts[node + 1] = end, count


@jit
def _integrate(v, total):
    for i in range(len(v)):
        v[i] = v[i] + total[i]


@jit
def _look(so_far, fields, group, sent):
    """Write what the nodes of a group have sent so far; 0 where its list has ended."""
    size = fields.sizes[group]
    for j in range(size):
        sent[j] = so_far[fields.nodes[group, j]]
    sent[size:] = 0
