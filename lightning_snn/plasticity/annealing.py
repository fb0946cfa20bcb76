"""Rates that fall while a projection is wired."""

from torch import Tensor

ELAPSED = "elapsed"
"""Variable that counts simulated time in ms, summed over the streams."""


def annealed(start: float, end: float, elapsed: Tensor, horizon: float) -> float:
    """A rate that falls geometrically from ``start`` to ``end`` at ``horizon``, and stays there.

    >>> import torch
    >>> [round(annealed(1.0, 0.01, torch.tensor(time), 10.0), 3) for time in (0.0, 5.0, 20.0)]
    [1.0, 0.1, 0.01]
    """
    passed = min(elapsed.item() / horizon, 1.0)
    return float(start * (end / start) ** passed)
