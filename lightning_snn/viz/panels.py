"""What the figures share: checked arrays, and panels that show a sheet."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from numpy.typing import NDArray
from torch import Tensor

ArrayLike = Tensor | NDArray[Any]
Array = NDArray[Any]

NODE_GREY = "0.85"
INK = "#2c4a6e"


def matrix(name: str, value: ArrayLike, rows: int | str, columns: int | str) -> Array:
    """``value`` as float64 on the CPU; raise ``ValueError`` unless it is ``[rows, columns]`` and not empty.

    >>> matrix("spikes", torch.zeros(2), "T", 3)
    Traceback (most recent call last):
    ValueError: spikes must be [T, 3] with no empty dimension, got shape [2]
    """
    tensor = torch.as_tensor(value)
    shape = list(tensor.shape)
    expected = (rows, columns)
    fits = len(shape) == 2 and all(
        given > 0 and (isinstance(size, str) or given == size)
        for size, given in zip(expected, shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} must be [{rows}, {columns}] with no empty dimension, got shape {shape}")
    return tensor.detach().to("cpu", torch.float64).numpy()


def not_empty(name: str, value: Mapping[Any, Any]) -> None:
    """Raise ``ValueError`` if the mapping ``value`` has no entry."""
    if not value:
        raise ValueError(f"{name} must hold at least one entry by name, got an empty mapping")


def scatter(axes: Axes, positions: Array, **style: Any) -> PathCollection:
    """Draw nodes as dots and frame the sheet: equal scales, y downwards."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    margin = 0.03 * (high - low).max() or 1.0
    axes.set(xlim=(low[0] - margin, high[0] + margin), ylim=(high[1] + margin, low[1] - margin))
    axes.set_aspect("equal")
    axes.spines[:].set_color(NODE_GREY)
    return axes.scatter(positions[:, 0], positions[:, 1], linewidths=0, **style)


def dot_area(num_nodes: int, inches: float, share: float = 0.35) -> float:
    """Marker area in square points with which the nodes fill ``share`` of a panel ``inches`` wide."""
    return float(np.clip(share * (72 * inches) ** 2 / num_nodes, 0.5, 25.0))
