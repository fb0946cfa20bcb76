"""Weights between bounds: what they start from, and how they stay there."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Bounds = Literal["hard", "soft"]


def bounded(weight: Tensor, gain: Tensor, loss: Tensor, *, w_max: float, bounds: Bounds) -> Tensor:
    """Weights after a chunk of potentiation and depression.

        hard:   dw = w_max (gain - loss), kept in [0, w_max]
        soft:   dw/ds = gain (w_max - w) - loss w, for s from 0 to 1, solved exactly:
                w <- w_inf + (w - w_inf) exp(-(gain + loss)),  w_inf = w_max gain / (gain + loss)

    Soft bounds cannot act on the net change; solved like this they are not overshot, however long
    a chunk is.

    Args:
        weight: Weights ``[K, F]`` in [0, w_max].
        gain: Potentiation ``[K, F]``, 0 or above.
        loss: Depression ``[K, F]``, 0 or above.
        w_max: Upper bound.
        bounds: Which of the two.

    Source: hard: Song, Miller and Abbott, Nat. Neurosci. 3 (2000); soft: van Rossum, Bi and Turrigiano,
    J. Neurosci. 20 (2000), Guetig et al., J. Neurosci. 23 (2003) with mu = 1.
    """
    if bounds == "hard":
        return (weight + w_max * (gain - loss)).clamp(0, w_max)
    total = gain + loss
    end = w_max * gain / torch.where(total > 0, total, 1.0)
    return (end + (weight - end) * torch.exp(-total)).clamp(0, w_max)


def uniform(
    num_pre: int, num_post: int, low_and_high: tuple[float, float], generator: torch.Generator
) -> Tensor:
    """Weights ``[num_post, num_pre]`` drawn evenly between two values."""
    low, high = low_and_high
    return low + (high - low) * torch.rand(num_post, num_pre, generator=generator)


def check_range(name: str, values: tuple[float, float], low: float, high: float) -> None:
    """Raise ``ValueError`` unless ``values`` are two in ascending order between ``low`` and ``high``."""
    two = isinstance(values, Sequence) and len(values) == 2
    if not two or not low <= values[0] <= values[1] <= high:
        given = list(values) if two else values
        raise ValueError(f"{name} must be two ascending numbers between {low} and {high}, got {given}")
