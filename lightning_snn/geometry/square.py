"""Squares: flat, or with opposite edges that meet."""

from typing import get_args

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.random import stream_of
from lightning_snn.geometry.placement import Placement, uniform, unit_grid
from lightning_snn.geometry.sheet import Sheet


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
        checks.one_of("placement", placement, get_args(Placement))
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
