"""How what the streams counted becomes one change."""

from functools import reduce
from typing import Literal

import torch
from torch import Tensor

from lightning_snn.plasticity.streams import Streams

Reduction = Literal["mean", "sum"]


def add_streams(values: Tensor, streams: Streams, reduction: Reduction) -> Tensor:
    """The sum or mean ``[...]`` over the streams of all processes, added in their order.

    Args:
        values: The sums of each stream (or row) of this process ``[count, ...]``.
        streams: Exchanges them between processes.
        reduction: ``sum``, or ``mean`` over streams.
    """
    parts = streams.gather(values).unbind(0)
    total = reduce(torch.add, parts)
    return total / len(parts) if reduction == "mean" else total


def spikes_of_streams(spikes: Tensor, num_streams: int) -> Tensor:
    """Spikes of each unit ``[S, (G,) K]`` from those in rows ``[R, (G,) K]``, a stream's places in a row."""
    return spikes.reshape(num_streams, -1, *spikes.shape[1:]).sum(1)
