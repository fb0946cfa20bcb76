"""What a sheet is: nodes in the plane, their distances, and images seen at their positions."""

import copy
from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core.config import Configurable
from lightning_snn.core.random import RandomStream


class Sheet(Configurable, ABC):
    """Nodes in the plane; the unit of length is arbitrary and shared by the sheets of a stack.

    A subclass sets ``positions`` ``[N, 2]`` (x to the right, y downwards, as in an image) and
    ``bounds``, and overrides `displacement` and sets ``period`` where space is not flat.

    Args:
        positions: Node positions ``[N, 2]``.
        bounds: ``(x_min, y_min, x_max, y_max)`` of the rectangle that an image covers.
        area: Area that the nodes fill, in squared units of length.
    """

    period: float | None = None
    """Side of the square after which space repeats in both directions; None where it does not."""

    stream: RandomStream | None = None
    """Where random positions come from."""

    def __init__(self, positions: Tensor, bounds: tuple[float, float, float, float], area: float) -> None:
        self.positions = positions
        self.bounds = bounds
        self.area = area

    @property
    def num_nodes(self) -> int:
        """Number of nodes N."""
        return len(self.positions)

    @property
    def density(self) -> float:
        """Nodes per unit of area."""
        return self.num_nodes / self.area

    def displacement(self, offset: Tensor) -> Tensor:
        """Shortest displacement for the coordinate difference ``offset`` ``[..., 2]``."""
        return offset

    def distances(self, other: "Sheet | Tensor | None" = None) -> Tensor:
        """Distances ``[N, M]`` from each node to those of another sheet, or to positions ``[M, 2]``.

        By default ``[N, N]``, between the nodes; measured in this sheet's space, wrapped on a torus.
        """
        target = other.positions if isinstance(other, Sheet) else self.positions if other is None else other
        if target.ndim != 2 or target.shape[1] != 2:
            raise ValueError(f"other must hold positions [M, 2], got shape {list(target.shape)}")
        offset = self.positions[:, None] - target[None]
        distance: Tensor = torch.linalg.vector_norm(self.displacement(offset), dim=-1)
        return distance

    def moved(self, positions: Tensor) -> Self:
        """The same sheet with its nodes at other ``positions`` ``[N, 2]``."""
        sheet = copy.copy(self)
        sheet.positions = positions
        return sheet

    @abstractmethod
    def even_positions(self, count: int) -> Tensor:
        """``count`` positions ``[count, 2]`` spread evenly over the sheet, without chance."""

    def sample(self, images: Tensor) -> Tensor:
        """Values of images at the nodes, bilinear between pixel centres; the image fills ``bounds``.

        Args:
            images: ``[B, 1, H, W]``, floating point; some sheets take several channels, see `Maps`.

        Returns:
            ``[B, N]``, in the range of the image's own values.

        Raises:
            ValueError: if ``images`` has more channels than the sheet takes.
        """
        if images.shape[1] != 1:
            raise ValueError(
                f"images of {images.shape[1]} channels need a geometry with as many, "
                f"Maps(channels={images.shape[1]}), got {type(self).__name__}, which takes images of one"
            )
        return interpolated(images, self.positions, self.bounds)

    def holds(self, shape: tuple[int, ...]) -> bool:
        """Whether the nodes are the values of ``[C, H, W]`` one by one, so that nothing is sampled."""
        del shape
        return False


def interpolated(images: Tensor, positions: Tensor, bounds: tuple[float, float, float, float]) -> Tensor:
    """Values ``[B, N]`` of images ``[B, 1, H, W]`` that fill ``bounds``, at positions ``[N, 2]``.

    Bilinear between pixel centres; rounding takes no value out of [0, 1], or out of the image's own range
    where that is wider. Positions may also be ``[B, N, 2]``, others for each image.
    """
    low, high = images.new_tensor(bounds[:2]), images.new_tensor(bounds[2:])
    grid = 2 * (positions.to(images) - low) / (high - low) - 1
    grid = grid.expand(images.shape[0], -1, -1)[:, None]
    values = F.grid_sample(images, grid, padding_mode="border", align_corners=False)[:, 0, 0]
    pixels = images.flatten(1)
    return values.clamp(pixels.amin(1, keepdim=True).clamp_max(0), pixels.amax(1, keepdim=True).clamp_min(1))
