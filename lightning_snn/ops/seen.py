"""Lists of the nodes that groups of units see: what units of many fields share with those of one."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN201, ANN202

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.ops.jit import array, jit


def seen(values: Tensor, nodes: Tensor) -> Tensor:
    """What each group sees ``[..., G, F]`` of values ``[..., N]``; 0 where its list has ended (node N).

    >>> seen(torch.tensor([5.0, 6.0, 7.0]), torch.tensor([[0, 2], [1, 3]]))
    tensor([[5., 7.],
            [6., 0.]])
    """
    return F.pad(values, (0, 1))[..., nodes]


def check_nodes(nodes: Tensor | None, num_nodes: int) -> None:
    """Raise ``ValueError`` unless ``nodes`` are lists ``[G, F]`` of nodes below N, filled up with N."""
    if nodes is None:
        return
    if nodes.ndim != 2 or nodes.dtype != torch.int64 or 0 in nodes.shape:
        raise ValueError(f"nodes must be int64 [G, F] and not empty, got {nodes.dtype} {list(nodes.shape)}")
    if checks.is_recorded():
        return
    ended = nodes == num_nodes
    inside = (nodes >= 0).all() and (nodes <= num_nodes).all()
    if not inside or ended[:, 0].any() or (ended[:, :-1] & ~ended[:, 1:]).any():
        raise ValueError(
            f"nodes must lie between 0 and {num_nodes - 1}, one or more in each list, with {num_nodes} "
            "wherever it has ended"
        )


class Sites(NamedTuple):
    """Where each node is seen, for kernels that look only at nodes that fired; arrays of int64.

    A site is an entry of the lists, numbered through them all: ``group F + place in the list``.

    Args:
        nodes: The lists ``[G, F]``.
        sizes: Nodes in each list ``[G]``.
        starts: ``[N + 1]``: the sites of node n are ``where[starts[n] : starts[n + 1]]``, in ascending order.
        where: The sites of all nodes, node by node; empty where one group sees all nodes.
        groups: The group of each of them.
    """

    nodes: Any
    sizes: Any
    starts: Any
    where: Any
    groups: Any


def sites(nodes: Tensor | None, num_nodes: int) -> Sites:
    """The sites of lists; without lists, those of one group that sees all nodes."""
    if nodes is None:
        every, none = np.arange(num_nodes + 1), np.empty(0, np.int64)
        return Sites(every[None, :-1], every[-1:], none, none, none)
    return Sites(array(nodes), *_invert(array(nodes), num_nodes))


@jit
def _invert(nodes, num_nodes):
    groups, longest = nodes.shape
    sizes, starts = np.zeros(groups, np.int64), np.zeros(num_nodes + 1, np.int64)
    for g in range(groups):
        for j in range(longest):
            if nodes[g, j] < num_nodes:
                sizes[g] += 1
                starts[nodes[g, j] + 1] += 1
    for n in range(num_nodes):
        starts[n + 1] += starts[n]
    following, where, group = starts.copy(), np.empty(starts[-1], np.int64), np.empty(starts[-1], np.int64)
    for g in range(groups):
        for j in range(sizes[g]):
            node = nodes[g, j]
            where[following[node]], group[following[node]] = g * longest + j, g
            following[node] += 1
    return sizes, starts, where, group


@jit
def add_sites(rows, spikes, fired, count, fields, total):
    """Set ``total [G K]`` to the sums over what each group sees of the nodes that fired, in their order.

    Args:
        rows: What the sites send to the units of their group ``[G F, K]``.
        spikes: Spikes ``[N]``.
        fired: The nodes that fired.
        count: How many.
        fields: The sites.
        total: Written.
    """
    units = rows.shape[1]
    total[:] = 0
    for k in range(count):
        sent = spikes[fired[k]]
        for p in range(fields.starts[fired[k]], fields.starts[fired[k] + 1]):
            row, low = rows[fields.where[p]], fields.groups[p] * units
            own = total[low : low + units]  # with indices of its own the loop below is several times as fast
            for i in range(units):
                own[i] += sent * row[i]


@jit
def pick(values, nodes, out):
    """What a list sees of ``values [N]``, written into the start of ``out``."""
    for j in range(len(nodes)):
        out[j] = values[nodes[j]]
    return out[: len(nodes)]
