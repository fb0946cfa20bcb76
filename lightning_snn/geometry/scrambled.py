"""Sheets whose numbers say nothing: neither those of the nodes nor those of the pixels."""

from typing import Literal, get_args

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.permutation import unscrambled
from lightning_snn.core.random import stream_of
from lightning_snn.geometry.sheet import Sheet
from lightning_snn.geometry.view import View

Neighbours = Literal["true", "wrong"]


class Scrambled(View):
    """Another sheet whose nodes have other numbers, for images whose pixels have other numbers.

    A node sees the pixels that truly lie where it is, under the numbers that they have now, so what learns
    may use which nodes are neighbours, and no order of nodes or pixels.

    Args:
        sheet: The sheet.
        pixel_seed: Seed of the numbers of the pixels, which the data have too (``data.scramble``).
        neighbours: ``true``: the positions are where the nodes see; ``wrong``: each has that of another
            node, so that what couples neighbours couples nodes that see places far apart.
        seed: Seed of the numbers of the nodes; by default the network's, or one by torch's generator.

    Raises:
        ValueError: if a seed is negative, or ``neighbours`` is unknown.

    >>> from lightning_snn.core.permutation import scrambled
    >>> from lightning_snn.geometry import Square
    >>> sheet, images = Square(9, side=3.0, placement="grid"), torch.rand(1, 1, 3, 3)
    >>> other = Scrambled(sheet, pixel_seed=5)
    >>> node = (sheet.positions == other.positions[7]).all(1)
    >>> bool(other.sample(scrambled(images, 5))[0, 7] == sheet.sample(images)[0, node])
    True
    """

    def __init__(
        self, sheet: Sheet, *, pixel_seed: int = 0, neighbours: Neighbours = "true", seed: int | None = None
    ) -> None:
        checks.seed("seed", seed)
        checks.whole("pixel_seed", pixel_seed)
        checks.one_of("neighbours", neighbours, get_args(Neighbours))
        super().__init__(sheet)
        self.pixel_seed = pixel_seed
        self.neighbours = neighbours
        self.stream = stream_of("scramble", seed)
        generator = self.stream.torch()
        own, other = (torch.randperm(self.sheet.num_nodes, generator=generator) for _ in range(2))
        shown = torch.empty_like(own)
        shown[other] = own[other.roll(1)]  # along a circle of all nodes: no node keeps its place
        self.look(own if neighbours == "true" else shown, own)

    def sample(self, images: Tensor) -> Tensor:
        """Values at the nodes of images whose pixels have other numbers; see `Sheet.sample`."""
        return super().sample(unscrambled(images, self.pixel_seed))
