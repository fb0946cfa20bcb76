"""Checks of arguments; each error names the argument, what was given and what is allowed."""

import math
from collections.abc import Collection
from numbers import Real

import torch
from torch import Tensor


def positive(name: str, value: float) -> None:
    """Raise ``ValueError`` unless ``value`` is a finite number above 0.

    >>> positive("dt", -1.0)
    Traceback (most recent call last):
    ValueError: dt must be a finite number above 0, got -1.0
    """
    if not (_is_number(value) and 0 < value < float("inf")):
        raise ValueError(f"{name} must be a finite number above 0, got {value}")


def count(name: str, value: int) -> None:
    """Raise ``ValueError`` unless ``value`` is a whole number above 0.

    >>> count("num_nodes", 2.5)
    Traceback (most recent call last):
    ValueError: num_nodes must be a whole number above 0, got 2.5
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number above 0, got {value}")


def whole(name: str, value: int) -> None:
    """Raise ``ValueError`` unless ``value`` is a whole number, 0 or above."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} must be a whole number, 0 or above, got {value}")


def seed(name: str, value: int | None) -> None:
    """Raise ``ValueError`` unless ``value`` can seed a generator, or is None.

    >>> seed("seed", 0.5)
    Traceback (most recent call last):
    ValueError: seed must be a whole number, 0 or above, got 0.5
    """
    if value is not None:
        whole(name, value)


def non_negative(name: str, value: float) -> None:
    """Raise ``ValueError`` unless ``value`` is a finite number, 0 or above."""
    if not (_is_number(value) and 0 <= value < float("inf")):
        raise ValueError(f"{name} must be a finite number, 0 or above, got {value}")


def finite(name: str, value: float) -> None:
    """Raise ``ValueError`` unless ``value`` is a finite number."""
    if not (_is_number(value) and math.isfinite(value)):
        raise ValueError(f"{name} must be finite, got {value}")


def between(name: str, value: float, low: float, high: float) -> None:
    """Raise ``ValueError`` unless ``low <= value <= high``."""
    if not (_is_number(value) and low <= value <= high):
        raise ValueError(f"{name} must lie between {low} and {high}, got {value}")


def _is_number(value: object) -> bool:
    return isinstance(value, Real | Tensor)


def one_of(name: str, value: object, allowed: Collection[str]) -> None:
    """Raise ``ValueError`` unless ``value`` is one of ``allowed``."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(sorted(allowed))}, got {value!r}")


def images(value: Tensor) -> None:
    """Raise ``ValueError`` unless ``value`` is ``[B, 1, H, W]``, floating point, finite and in [0, 1]."""
    if value.ndim != 4 or value.shape[1] != 1 or 0 in value.shape:
        shape = list(value.shape)
        raise ValueError(f"images must be [B, 1, H, W] with no empty dimension, got shape {shape}")
    if not value.is_floating_point():
        raise ValueError(f"images must be floating point with values in [0, 1], got dtype {value.dtype}")
    low, high = torch.aminmax(value)
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"images must hold finite values in [0, 1], got values from {low.item():g} to {high.item():g}"
        )


def labels(value: Tensor, num_classes: int) -> None:
    """Raise ``ValueError`` unless every label lies in ``0 .. num_classes - 1``."""
    if value.numel() and not (value.min() >= 0 and value.max() < num_classes):
        raise ValueError(
            f"labels must lie in 0 to {num_classes - 1} (num_classes is {num_classes}), "
            f"got labels from {value.min().item()} to {value.max().item()}"
        )
