"""What all inputs of a neuron deliver together: products that read only what fired, where that is quicker."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.ops.event_sum import event_sum
from lightning_snn.ops.sequence import FORMATS

SPARSE = 1 / 8
"""Share of nodes that fire up to which reading only these is faster than a matrix product, there and back."""

SAMPLED = 16, 19
"""Of so many rows one is looked at, and of so many nodes where they are many: no multiple of maps' widths."""

MANY = 2**14
"""Spikes, of which as many are soon counted."""


def weighted_sum(spikes: Tensor, *, rows: Tensor) -> Tensor:
    """``spikes @ rows`` for spikes ``[..., N]``; only rows of nodes that fired are read without gradients."""
    if spikes.requires_grad:
        return product(spikes, weight=rows.t(), rows=lambda: rows)
    return _event_sum(spikes, rows)


def product(spikes: Tensor, *, weight: Tensor, rows: Callable[[], Tensor]) -> Tensor:
    """As `weighted_sum`, with gradients: only rows of nodes that fired are read where these are few.

    Which way it goes depends on a few of the spikes; results are the same within rounding. ``weight``
    is ``[M, N]``, and ``rows`` gives its transpose.
    """
    plain = checks.is_recorded() or checks.is_transformed() or torch.is_autocast_enabled(spikes.device.type)
    if plain or spikes.device.type != "cpu" or weight.dtype not in FORMATS or not _is_sparse(spikes):
        return F.linear(spikes, weight)
    return _event_sum(spikes, rows())


def _event_sum(spikes: Tensor, rows: Tensor) -> Tensor:
    return event_sum(spikes.reshape(-1, len(rows)), rows).reshape(*spikes.shape[:-1], rows.shape[1])


def _is_sparse(spikes: Tensor) -> bool:
    rows, nodes = SAMPLED
    seen = spikes.detach().reshape(-1, spikes.shape[-1])[::rows]
    seen = seen[:, ::nodes] if seen.numel() > MANY else seen
    return int(seen.count_nonzero()) <= SPARSE * seen.numel()
