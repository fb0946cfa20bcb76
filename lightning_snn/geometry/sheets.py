"""Where neurons sit: sheets of nodes in the plane, their distances, and images seen at their positions."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.core.random import RandomStream, stream_of
from lightning_snn.geometry.placement import sunflower, uniform, unit_grid

Placement = Literal["random", "grid"]


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


class Square(Sheet):
    """Nodes on the square ``[0, side] x [0, side]``.

    Args:
        num_nodes: Number of nodes N.
        side: Length of the side.
        seed: Seed of the random placement; by default the network's, or one by torch's generator.
        placement: ``random``: uniform; ``grid``: rows of a regular grid.

    Raises:
        ValueError: if ``num_nodes`` or ``side`` is not positive.

    >>> Square(4, side=2.0, placement="grid").positions.tolist()
    [[0.5, 0.5], [1.5, 0.5], [0.5, 1.5], [1.5, 1.5]]
    """

    def __init__(
        self, num_nodes: int, side: float, seed: int | None = None, *, placement: Placement = "random"
    ) -> None:
        checks.seed("seed", seed)
        checks.count("num_nodes", num_nodes)
        checks.positive("side", side)
        checks.one_of("placement", placement, ("random", "grid"))
        if placement == "grid":
            place = unit_grid(num_nodes)
        else:
            self.stream = stream_of("geometry", seed)
            place = uniform(num_nodes, self.stream.torch())
        super().__init__(place * side, (0.0, 0.0, side, side), side**2)
        self.side = side

    def even_positions(self, count: int) -> Tensor:
        """Rows of a regular grid."""
        return unit_grid(count) * self.side


class Torus(Square):
    """A square whose opposite edges meet; distances are wrapped.

    Args:
        num_nodes: Number of nodes N.
        side: Length of the side.
        seed: As in `Square`.
        placement: ``random`` or ``grid``, as in `Square`.

    >>> Torus(4, side=2.0, placement="grid").distances().max().item()
    1.4142135381698608
    """

    @property
    def period(self) -> float:  # type: ignore[override]
        """The side."""
        return self.side

    def displacement(self, offset: Tensor) -> Tensor:
        """The difference wrapped into ``[-side / 2, side / 2]``."""
        return offset - self.side * torch.round(offset / self.side)


class Disk(Sheet):
    """Nodes on a disk around the origin, or on a ring where ``inner_radius`` is above 0.

    Args:
        num_nodes: Number of nodes N.
        radius: Outer radius.
        inner_radius: Radius of the hole.
        seed: As in `Square`.
        placement: ``random``: uniform in area; ``grid``: a sunflower spiral, even in area.

    Raises:
        ValueError: if ``num_nodes`` or ``radius`` is not positive, or the hole is not smaller than the disk.

    Source: Vogel, A better way to construct the sunflower head, Math. Biosci. 44 (1979) (``grid``).
    """

    def __init__(
        self,
        num_nodes: int,
        radius: float,
        inner_radius: float = 0.0,
        seed: int | None = None,
        *,
        placement: Placement = "random",
    ) -> None:
        checks.seed("seed", seed)
        checks.count("num_nodes", num_nodes)
        checks.positive("radius", radius)
        checks.one_of("placement", placement, ("random", "grid"))
        checks.finite("inner_radius", inner_radius)
        if not 0 <= inner_radius < radius:
            raise ValueError(f"inner_radius must lie in [0, radius = {radius}), got {inner_radius}")
        self.radius = radius
        self.inner_radius = inner_radius
        if placement == "grid":
            place = sunflower(num_nodes)
        else:
            self.stream = stream_of("geometry", seed)
            place = uniform(num_nodes, self.stream.torch())
        area = torch.pi * (radius**2 - inner_radius**2)
        super().__init__(self._on_disk(place), (-radius, -radius, radius, radius), area)

    def even_positions(self, count: int) -> Tensor:
        """A sunflower spiral."""
        return self._on_disk(sunflower(count))

    def _on_disk(self, place: Tensor) -> Tensor:
        """Positions of shares of the area and of a turn, ``[N, 2]`` in [0, 1]."""
        share, turns = place.unbind(1)
        distance = torch.sqrt(self.inner_radius**2 + share * (self.radius**2 - self.inner_radius**2))
        angle = 2 * torch.pi * turns
        return torch.stack([distance * torch.cos(angle), distance * torch.sin(angle)], dim=1)


class Points(Sheet):
    """Nodes at given positions; an image fills their bounding box.

    Args:
        positions: ``[N, 2]``, N at least 2 and not all on one line parallel to an axis.
        area: Area that the nodes fill; estimated from the distances to near neighbours by default,
            which also holds for odd shapes and for layouts with holes.

    Raises:
        ValueError: if the positions are not finite, of another shape, or span no area.
    """

    def __init__(self, positions: Tensor | Sequence[Sequence[float]], *, area: float | None = None) -> None:
        place = torch.as_tensor(positions, dtype=torch.float32)
        if place.ndim != 2 or place.shape[1] != 2 or len(place) < 2 or not place.isfinite().all():
            raise ValueError(f"positions must be finite, [N, 2] with N >= 2, got shape {list(place.shape)}")
        (x_min, y_min), (x_max, y_max) = place.amin(0).tolist(), place.amax(0).tolist()
        if x_min == x_max or y_min == y_max:
            raise ValueError("positions must span an area, got points on one line parallel to an axis")
        if area is not None:
            checks.positive("area", area)
        super().__init__(place, (x_min, y_min, x_max, y_max), area or _filled_area(place))

    def even_positions(self, count: int) -> Tensor:
        """Nodes chosen one by one, each farthest from those before; all of them again beyond N."""
        checks.count("count", count)
        if count > self.num_nodes:
            return torch.cat([self.positions, self.even_positions(count - self.num_nodes)])
        centre = self.positions.mean(0, keepdim=True)
        chosen = [int(torch.cdist(self.positions, centre).argmin())]
        nearest = torch.cdist(self.positions, self.positions[chosen]).squeeze(1)
        while len(chosen) < count:
            chosen.append(int(nearest.argmax()))
            nearest = nearest.minimum(torch.cdist(self.positions, self.positions[chosen[-1:]]).squeeze(1))
        return self.positions[chosen]


def _filled_area(positions: Tensor, neighbour: int = 10) -> float:
    """Area by the median density ``k / (pi r_k^2)``, r_k the distance to the k-th neighbour."""
    k = min(neighbour, len(positions) - 1)
    some = positions[:: max(1, len(positions) // 4096)]
    blocks = [torch.cdist(block, positions).kthvalue(k + 1, dim=1).values for block in torch.split(some, 256)]
    radius = torch.cat(blocks)
    if radius.median() == 0:
        raise ValueError(
            f"positions must differ, but most have {k} others at the same place; or give the area"
        )
    density = (k / (torch.pi * radius**2)).median()
    return len(positions) / density.item()
