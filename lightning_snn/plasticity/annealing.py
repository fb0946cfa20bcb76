"""Rates that fall while a projection is wired."""

import torch
from torch import Tensor

ELAPSED = "elapsed"
"""Variable that counts simulated time in ms, summed over the streams."""


def annealed(start: float, end: float, elapsed: Tensor, horizon: float) -> Tensor:
    """Rates that fall geometrically from ``start`` to ``end`` at ``horizon``, and stay there.

    >>> annealed(1.0, 0.01, torch.tensor([0.0, 5.0, 20.0]), 10.0)
    tensor([1.0000, 0.1000, 0.0100], dtype=torch.float64)
    """
    passed = (min(time / horizon, 1.0) for time in elapsed.flatten().tolist())
    rates = [start * (end / start) ** share for share in passed]
    return torch.tensor(rates, dtype=torch.float64, device=elapsed.device).reshape(elapsed.shape)
