"""Nodes of another sheet: some of them, or in another order."""

from typing import Self

from torch import Tensor

from lightning_snn.core.random import drawn_here
from lightning_snn.geometry.sheet import Sheet


class View(Sheet):
    """Nodes that sit on another sheet, whose space and area they share, and by which they see images.

    A subclass says which nodes with `look`, after the constructor of this class.

    Args:
        sheet: The other sheet. In a network it is the one that the layer would have without the view.
    """

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = drawn_here(sheet)

    def look(self, shown: Tensor, sensed: Tensor | None = None) -> None:
        """Choose the nodes.

        Args:
            shown: The node of the other sheet whose position each has ``[N]``, none twice.
            sensed: The one that it senses with ``[N]``; by default the same.
        """
        self.shown = shown
        self.sensed = shown if sensed is None else sensed
        super().__init__(self.sheet.positions[shown], self.sheet.bounds, self.sheet.area)

    @property
    def period(self) -> float | None:  # type: ignore[override]
        """That of the other sheet."""
        return self.sheet.period

    def displacement(self, offset: Tensor) -> Tensor:
        """That of the other sheet."""
        return self.sheet.displacement(offset)

    def even_positions(self, count: int) -> Tensor:
        """Those of the other sheet."""
        return self.sheet.even_positions(count)

    def sample(self, images: Tensor) -> Tensor:
        """Values of images at the nodes; see `Sheet.sample`."""
        return self.sheet.sample(images)[:, self.sensed.to(images.device)]

    def moved(self, positions: Tensor) -> Self:
        """The same sheet with its nodes, and those of the other sheet, at other ``positions`` ``[N, 2]``."""
        view = super().moved(positions)
        every = self.sheet.positions.to(positions, copy=True)
        every[self.shown] = positions
        view.sheet = self.sheet.moved(every)
        return view
