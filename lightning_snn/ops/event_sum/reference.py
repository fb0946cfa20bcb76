"""Sum of the rows of the nodes that fired, in pure PyTorch."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.ops.seen import seen

BLOCK_BYTES = 2**24
"""Most memory of what the lists of a block of samples see, where no gradient is needed."""


def event_sum(spikes: Tensor, rows: Tensor, nodes: Tensor | None = None) -> Tensor:
    """See `lightning_snn.ops.event_sum.event_sum`; each list of each sample is a row of its own."""
    if nodes is None and rows.ndim == 2 and torch.is_grad_enabled():
        plain: Tensor = _Sum.apply(spikes, rows)
        return plain
    if nodes is None:
        return _sum(spikes, rows)
    size = max(1, BLOCK_BYTES // (rows.element_size() * nodes.numel()))
    blocks = [spikes] if checks.is_recorded() else torch.split(spikes, size)
    sums = [_sum(seen(block, nodes).flatten(0, 1), rows) for block in blocks]
    return torch.cat(sums).reshape(-1, len(nodes), rows.shape[-1])


def event_outer(spikes: Tensor, values: Tensor) -> Tensor:
    """``[N, M]`` from spikes ``[B, N]`` and values ``[B, M]``."""
    return spikes.t() @ values


class _Sum(torch.autograd.Function):
    """The gradient of a matrix product; that of an embedding bag would not reach silent nodes."""

    @staticmethod
    def forward(ctx: Any, spikes: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(spikes, rows)
        return _sum(spikes, rows)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        spikes, rows = ctx.saved_tensors
        return grads[0] @ rows.t(), event_outer(spikes, grads[0])


def _sum(spikes: Tensor, rows: Tensor) -> Tensor:
    batch, num_nodes = spikes.shape
    sample, node = spikes.nonzero(as_tuple=True)
    sent = spikes[sample, node]
    if rows.ndim == 3:
        node = node + sample % len(rows) * num_nodes
        rows = rows.reshape(-1, rows.shape[-1])
    starts = torch.searchsorted(sample, torch.arange(batch, device=spikes.device))
    return F.embedding_bag(node, rows, starts, mode="sum", per_sample_weights=sent)
