"""A leaky sum over time, in pure PyTorch."""

import torch
from torch import Tensor


def exponential_filter(current: Tensor, start: Tensor, decay: float, reverse: bool = False) -> Tensor:
    """See `lightning_snn.ops.exponential_filter.exponential_filter`; ``reverse``: from the last step on."""
    steps = current.flip(0) if reverse else current
    total, found = start, []
    for step in steps.unbind(0):
        total = decay * total + step
        found.append(total)
    filtered = torch.stack(found)
    return filtered.flip(0) if reverse else filtered
