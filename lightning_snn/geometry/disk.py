"""Disks and rings."""

from typing import get_args

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.random import stream_of
from lightning_snn.geometry.placement import Placement, sunflower, uniform
from lightning_snn.geometry.sheet import Sheet


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
        checks.one_of("placement", placement, get_args(Placement))
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
