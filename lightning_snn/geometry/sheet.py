"""What a sheet is: nodes in the plane, their distances, and images seen at their positions."""

import copy
from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
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
        """Grey values at the nodes, bilinear between pixel centres; the image fills ``bounds``.

        Args:
            images: ``[B, 1, H, W]``, values in [0, 1].

        Returns:
            ``[B, N]``, values in [0, 1].

        Raises:
            ValueError: if ``images`` has another rank or holds values that are not in [0, 1].
        """
        checks.images(images)
        low = images.new_tensor(self.bounds[:2])
        high = images.new_tensor(self.bounds[2:])
        grid = 2 * (self.positions.to(images) - low) / (high - low) - 1
        grid = grid.expand(images.shape[0], 1, -1, -1)
        values = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
        return values[:, 0, 0].clamp(0, 1)
