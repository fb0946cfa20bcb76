"""Pair-STDP statistics of a window, in numba: the traces of a block of steps, then one row of them per spike.

At a spike probability of 0.05 a step this takes a quarter of the time of two matrix products.
"""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN202

from collections.abc import Callable

import torch
from torch import Tensor

from lightning_snn.ops import parallel
from lightning_snn.ops.jit import array, jit, strided
from lightning_snn.ops.seen import Sites, sites
from lightning_snn.ops.stdp_window.reference import pairs

BLOCK_BYTES = 2**24
"""Most memory of the traces of a block of steps."""


def stdp_window(
    pre: Tensor,
    post: Tensor,
    pre_trace: Tensor,
    post_trace: Tensor,
    pre_decay: float,
    post_decay: float,
    pre_own: float,
    post_own: float,
    pre_factor: Tensor | None = None,
    post_factor: Tensor | None = None,
    nearest: bool = False,
    groups: int = 1,
    depression: bool = True,
    nodes: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Block by block over time; the traces are carried from block to block."""
    pre_trace, post_trace = pre_trace.clone(), post_trace.clone()
    _, batch, num_pre = pre.shape
    num_post = post.shape[2]
    fields = None if nodes is None else sites(nodes, num_pre)
    potentiation = pre_trace.new_zeros(groups, *pairs(num_post, num_pre, nodes))
    loss = pre_trace.new_empty(groups, 0, 0)
    if depression:
        loss = torch.zeros_like(potentiation.transpose(-1, -2), memory_format=torch.contiguous_format)
    steps = max(1, BLOCK_BYTES // (pre_trace.element_size() * batch * (num_pre + num_post)))
    for start in range(0, len(pre), steps):
        block = slice(start, start + steps)
        of_pre = _traces(pre[block], pre_trace, pre_decay, pre_own, nearest)
        of_post = _traces(post[block], post_trace, post_decay, post_own, nearest)
        _accumulate(_times(post, post_factor, block), of_pre, potentiation, fields, _add_seen)
        if depression:
            _accumulate(_times(pre, pre_factor, block), of_post, loss, fields, _add_at_sites)
    return potentiation, loss.transpose(-1, -2).contiguous(), pre_trace, post_trace


def _times(spikes: Tensor, factor: Tensor | None, block: slice) -> Tensor:
    """Spikes of a block of steps, times their factors."""
    return spikes[block] if factor is None else spikes[block] * factor.expand(len(spikes), -1, -1)[block]


def _traces(spikes: Tensor, trace: Tensor, decay: float, own: float, nearest: bool) -> Tensor:
    """Traces ``[T, B, N]`` of a block with a share of the step's own spikes; ``trace`` moves on."""
    steps, batch, nodes = spikes.shape
    found = trace.new_empty(steps, batch, nodes)
    arguments = (*strided(spikes), trace.numpy(), decay, own, nearest, found.numpy())
    parallel.split(batch, lambda first, last: _scan(*arguments, first, last))
    return found


def _accumulate(
    spikes: Tensor, traces: Tensor, total: Tensor, fields: Sites | None, by_group: Callable[..., None]
) -> None:
    """Add ``spikes^T traces`` of each group of rows to its ``total [N, M]``, or what is seen of it."""
    arguments = (array(spikes), traces.numpy(), total.numpy())
    nodes = spikes.shape[2]
    if fields is None:
        parallel.split(nodes, lambda first, last: _add_rows(*arguments, first, last))
    else:
        parallel.split(nodes, lambda first, last: by_group(*arguments, fields, first, last))


@jit
def _add_rows(spikes, traces, total, first, last):
    steps, batch, _ = spikes.shape
    rows = batch // len(total)
    for g in range(len(total)):
        for t in range(steps):
            for b in range(g * rows, (g + 1) * rows):
                for i in range(first, last):
                    if spikes[t, b, i] != 0:
                        _add(total[g, i], traces[t, b], spikes[t, b, i])


@jit
def _add_seen(post, traces, total, fields, first, last):
    """A unit's spike adds the traces of the nodes that its group sees to ``total [rows, G, K, F]``."""
    steps, batch, _ = post.shape
    rows, units = batch // len(total), total.shape[2]
    for r in range(len(total)):
        for t in range(steps):
            for b in range(r * rows, (r + 1) * rows):
                for i in range(first, last):
                    if post[t, b, i] != 0:
                        g = i // units
                        own = fields.nodes[g, : fields.sizes[g]]
                        _add_at(total[r, g, i - g * units], traces[t, b], own, post[t, b, i])


@jit
def _add_at(total, trace, nodes, factor):
    for j in range(len(nodes)):
        total[j] += factor * trace[nodes[j]]


@jit
def _add_at_sites(pre, traces, total, fields, first, last):
    """A node's spike adds the traces of the units that see it to ``total [rows, G, F, K]``."""
    steps, batch, _ = pre.shape
    rows, units, flat = batch // len(total), total.shape[3], total.reshape(len(total), -1)
    for r in range(len(total)):
        for t in range(steps):
            for b in range(r * rows, (r + 1) * rows):
                for n in range(first, last):
                    if pre[t, b, n] != 0:
                        _add_node(flat[r], traces[t, b], fields, n, units, pre[t, b, n])


@jit
def _add_node(total, trace, fields, node, units, factor):
    for p in range(fields.starts[node], fields.starts[node + 1]):
        site, low = fields.where[p] * units, fields.groups[p] * units
        for k in range(units):
            total[site + k] += factor * trace[low + k]


@jit
def _add(total, trace, factor):
    for j in range(len(total)):
        total[j] += factor * trace[j]


@jit
def _scan(spikes, st, sb, trace, decay, own, nearest, found, first, last):
    steps, _, nodes = found.shape
    f = trace.dtype.type
    for b in range(first, last):
        for t in range(steps):
            start = t * st + b * sb
            _step(spikes[start : start + nodes], trace[b], found[t, b], f(decay), f(own), f(1 - own), nearest)


@jit
def _step(spikes, trace, out, decay, own, others, nearest):
    for i in range(len(trace)):
        before = decay * trace[i]
        after = spikes[i] if nearest and spikes[i] != 0 else before + spikes[i]
        out[i] = others * before + own * after
        trace[i] = after
