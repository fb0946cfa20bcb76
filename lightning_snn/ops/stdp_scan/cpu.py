"""STDP with one winner a step, in numba: the reference's bits, stream by stream."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN202

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from lightning_snn.ops import parallel
from lightning_snn.ops.jit import collect, furthest, jit
from lightning_snn.ops.seen import pick, sites
from lightning_snn.ops.stdp_scan.reference import STDPConstants


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
    """Overwrite the state with that at the end of the chunk."""
    rows = weight.flatten(1, -2).numpy()
    state = (x.flatten(1).numpy() for x in (v, pre_trace, post_trace, adaptive, wins))
    arguments = (spikes.to(weight.dtype).contiguous().numpy(), rows, *state, STDPConstants(*constants))
    fields = sites(nodes, spikes.shape[2])
    parallel.split(len(weight), lambda first, last: _scan(*arguments, fields, first, last))


@jit
def _scan(spikes, weight, v, pre_trace, post_trace, adaptive, wins, c, fields, first, last):
    steps, _, num_pre = spikes.shape
    groups, fan_in = fields.nodes.shape
    num_post, units = v.shape[1], weight.shape[2]
    everything = len(fields.where) == 0
    f = v.dtype.type
    membrane_decay, pre_decay, post_decay = f(c.membrane_decay), f(c.pre_decay), f(c.post_decay)
    base, fade, jump = f(c.threshold), f(c.threshold_decay), f(c.threshold_jump)
    rate, offset, pair = f(c.learning_rate), f(c.trace_offset), f(c.pair_depression)
    fired, own = np.empty(num_pre, np.int64), np.empty(fan_in, v.dtype)
    total, threshold = np.empty(num_post, v.dtype), np.empty(num_post, v.dtype)
    loss, kept = np.empty(num_post, v.dtype), np.empty(num_post, v.dtype)
    for s in range(first, last):
        rows, x, pre, post, rise = weight[s], v[s], pre_trace[s], post_trace[s], adaptive[s]
        for t in range(steps):
            count = collect(spikes[t, s], fired)
            _trace(pre, spikes[t, s], pre_decay)
            _depression(post, loss, kept, post_decay, pair)
            if everything:
                _add_and_depress(rows, spikes[t, s], fired, count, total, loss, kept)
            else:
                _add_and_depress_sites(rows, spikes[t, s], fired, count, fields, total, loss)
            _integrate(x, total, rise, threshold, membrane_decay, base, fade)
            for g in range(groups):
                low, high = g * units, (g + 1) * units
                winner = furthest(x, threshold, low, high)
                if x[winner] - threshold[winner] > 0:
                    _inhibit(x, threshold, low, high)
                    x[winner] = 0
                    trace = pre if everything else pick(pre, fields.nodes[g, : fields.sizes[g]], own)
                    _learn(rows[g * fan_in : (g + 1) * fan_in], winner - low, trace, rate, offset)
                    post[winner] += f(1)
                    rise[winner] += jump
                    wins[s, winner] += 1


@jit
def _trace(trace, step, decay):
    for j in range(len(trace)):
        trace[j] = trace[j] * decay + step[j]


@jit
def _depression(post, loss, kept, decay, pair):
    """Decay of the postsynaptic traces, and what a presynaptic spike takes and leaves of each weight."""
    one = post.dtype.type(1)
    for i in range(len(post)):
        post[i] = post[i] * decay
        loss[i] = pair * post[i]
        kept[i] = one - loss[i]


@jit
def _add_and_depress(rows, spikes, fired, count, total, loss, kept):
    """The sum of the rows of the nodes that fired, which are then depressed: one pass over each."""
    one = total.dtype.type(1)
    total[:] = 0
    for k in range(count):
        row, sent = rows[fired[k]], spikes[fired[k]]
        if sent == 1:
            for i in range(len(total)):
                total[i] = total[i] + row[i]
                row[i] = row[i] * kept[i]
        else:
            for i in range(len(total)):
                total[i] = total[i] + sent * row[i]
                row[i] = row[i] * (one - sent * loss[i])


@jit
def _add_and_depress_sites(rows, spikes, fired, count, fields, total, loss):
    """As `_add_and_depress`, where each group of units has rows of its own for the nodes that it sees."""
    one, units = total.dtype.type(1), rows.shape[1]
    total[:] = 0
    for k in range(count):
        node, sent = fired[k], spikes[fired[k]]
        for p in range(fields.starts[node], fields.starts[node + 1]):
            row, low = rows[fields.where[p]], fields.groups[p] * units
            own, lost = total[low : low + units], loss[low : low + units]
            for i in range(units):
                w = row[i]
                own[i] += sent * w
                row[i] = w * (one - sent * lost[i])


@jit
def _integrate(v, total, rise, threshold, decay, base, fade):
    for i in range(len(v)):
        v[i] = v[i] * decay + total[i]
        threshold[i] = base + rise[i]
        rise[i] = rise[i] * fade


@jit
def _inhibit(v, threshold, low, high):
    zero = v.dtype.type(0)
    for i in range(low, high):
        v[i] = (v[i] if v[i] > zero else zero) - threshold[i]


@jit
def _learn(rows, unit, trace, rate, offset):
    zero, one = trace.dtype.type(0), trace.dtype.type(1)
    for j in range(len(trace)):
        w = rows[j, unit]
        over = trace[j] - offset
        change = (over if over < one else one) * (one - w) if over > zero else over / offset * w
        rows[j, unit] = w + rate * change
