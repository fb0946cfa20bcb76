"""Sum of the rows of the nodes that fired, in pure PyTorch."""

import torch
from torch import Tensor
from torch.nn import functional as F


def event_sum(spikes: Tensor, rows: Tensor) -> Tensor:
    """See `lightning_snn.ops.event_sum.event_sum`."""
    batch, num_nodes = spikes.shape
    sample, node = spikes.nonzero(as_tuple=True)
    sent = spikes[sample, node]
    if rows.ndim == 3:
        node = node + sample % len(rows) * num_nodes
        rows = rows.reshape(-1, rows.shape[-1])
    starts = torch.searchsorted(sample, torch.arange(batch, device=spikes.device))
    return F.embedding_bag(node, rows, starts, mode="sum", per_sample_weights=sent)
