"""Sheets of which nodes are missing."""

import torch

from lightning_snn.core import checks
from lightning_snn.core.random import stream_of
from lightning_snn.geometry.sheet import Sheet
from lightning_snn.geometry.view import View


class Damaged(View):
    """Another sheet without a share of its nodes, chosen by chance; at least one remains.

    Args:
        sheet: The sheet.
        share: Share of the nodes that are missing.
        seed: Seed of the choice; by default the network's, or one by torch's generator.

    Raises:
        ValueError: if the share does not lie in [0, 1).

    >>> from lightning_snn.geometry import Square
    >>> Damaged(Square(200, side=10.0), share=0.1).num_nodes
    180
    """

    def __init__(self, sheet: Sheet, share: float, seed: int | None = None) -> None:
        checks.seed("seed", seed)
        checks.finite("share", share)
        if not 0 <= share < 1:
            raise ValueError(f"share must lie in [0, 1), got {share}")
        super().__init__(sheet)
        self.stream = stream_of("damage", seed)
        total = self.sheet.num_nodes
        order = torch.randperm(total, generator=self.stream.torch())
        self.look(order[: max(1, total - round(share * total))].sort().values)
