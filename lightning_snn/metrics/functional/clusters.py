"""Clusters of spikes that are near in space and time."""

from typing import NamedTuple, Self

import torch
from torch import Tensor

from lightning_snn.geometry.neighbours import Neighbours
from lightning_snn.metrics.functional.activity import check_binary

PAIRS = 2**21
"""Pairs of a spike and a node near it that are looked at together; bounds the memory."""


class Events(NamedTuple):
    """Spikes as numbers ``[E]``, int64, in the order of sample, node and step."""

    sample: Tensor
    node: Tensor
    step: Tensor

    @classmethod
    def of(cls, spikes: Tensor) -> Self:
        """Those of ``spikes`` ``[T, B, N]`` in {0, 1}, on the CPU."""
        return cls(*check_binary(spikes).permute(1, 2, 0).nonzero().cpu().unbind(1))

    def where(self, chosen: Tensor) -> Self:
        """Some of them, by a mask or by numbers."""
        return type(self)(*(part[chosen] for part in self))

    def after(self, earlier: Self) -> Self:
        """These, and earlier ones."""
        joined = [torch.cat(parts) for parts in zip(earlier, self, strict=True)]
        sample, node, step = joined
        span = int(step.max() - step.min()) + 1 if len(step) else 1
        order = ((sample * (int(node.max()) + 1 if len(node) else 1) + node) * span + step).argsort()
        return type(self)(*(part[order] for part in joined))


def clusters(events: Events, near: Neighbours, gap: int) -> Tensor:
    """The cluster of each spike ``[E]``, numbered from 0 in the order of their first spikes.

    Two spikes of a sample are linked where their nodes are the same or near each other, and they lie at most
    ``gap`` steps apart; a cluster is all that links join. A spike needs to look only at the last spike of
    each node around it: an earlier one of that node within the gap is linked to that last one.

    Args:
        events: The spikes.
        near: For each node those near it.
        gap: In steps.
    """
    number = len(events.step)
    label = torch.arange(number)
    if not number:
        return label
    nodes, start = len(near.starts) - 1, events.step.min()
    span = int(events.step.max() - start) + gap + 1  # so that no gap reaches into the spikes of another node
    place = events.step - start
    key = (events.sample * nodes + events.node) * span + place
    own = (key[1:] - key[:-1] <= gap).nonzero()[:, 0]
    label = _joined(label, own, own + 1)
    degree = near.starts.diff()[events.node]
    for block in blocks(degree):
        spike, other = pairs_near(block, events.node, near)
        query = (events.sample[spike] * nodes + other) * span + place[spike]
        found = torch.searchsorted(key, query, right=True) - 1
        close = (found >= 0) & (key[found.clamp_min(0)] >= query - gap)
        label = _joined(label, spike[close], found[close])
    return _by_first(label, events.step)


def pairs_near(block: Tensor, node: Tensor, near: Neighbours) -> tuple[Tensor, Tensor]:
    """Pairs of an entry of a block and a node near its own ``node``."""
    begin = near.starts[node[block]]
    degree = near.starts[node[block] + 1] - begin
    rank = torch.arange(int(degree.sum())) - (degree.cumsum(0) - degree).repeat_interleave(degree)
    return block.repeat_interleave(degree), near.targets[begin.repeat_interleave(degree) + rank].long()


def blocks(size: Tensor) -> list[Tensor]:
    """Numbers of entries in blocks whose sizes sum to about `PAIRS`."""
    part = size.cumsum(0) // PAIRS
    last = torch.bincount(part).cumsum(0).tolist()
    return [torch.arange(first, end) for first, end in zip([0, *last], last, strict=False) if end > first]


def _joined(label: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Labels ``[E]`` after joining pairs; a label is the number of an entry that bears itself."""
    while True:
        first, second = label[first], label[second]
        apart = first != second
        first, second = first[apart], second[apart]
        if not len(first):
            return label
        low, high = torch.minimum(first, second), torch.maximum(first, second)
        label = label.scatter_reduce(0, high, low, "amin")
        while not torch.equal(label, shorter := label[label]):
            label = shorter


def _by_first(label: Tensor, step: Tensor) -> Tensor:
    """Labels as numbers from 0 in the order of their first steps."""
    latest = int(step.max())
    first = torch.full((len(label),), latest + 1).scatter_reduce(0, label, step, "amin")
    return first.argsort(stable=True).argsort()[label]
