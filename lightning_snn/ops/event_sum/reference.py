"""Sum of the rows of the nodes that fired, in pure PyTorch."""

import torch
from torch import Tensor
from torch.nn import functional as F


def event_sum(spikes: Tensor, rows: Tensor) -> Tensor:
    """``spikes @ rows`` that reads only the rows of the nodes that fired.

    Rows are added in the order of their nodes, so the bits of one sample's result do not depend on
    the other samples, nor on the number of threads; a matrix product promises neither.

    Args:
        spikes: ``[B, N]`` in {0, 1}.
        rows: What each node sends, ``[N, M]``, or ``[B, N, M]`` where every sample has its own.

    Returns:
        ``[B, M]``.

    >>> event_sum(torch.tensor([[1.0, 0.0, 1.0]]), torch.tensor([[1.0], [2.0], [4.0]]))
    tensor([[5.]])
    """
    batch, num_nodes = spikes.shape
    sample, node = spikes.nonzero(as_tuple=True)
    if rows.ndim == 3:
        node = node + sample * num_nodes
        rows = rows.reshape(-1, rows.shape[-1])
    starts = torch.searchsorted(sample, torch.arange(batch, device=spikes.device))
    return F.embedding_bag(node, rows, starts, mode="sum")
