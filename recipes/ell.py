"""An L of points: a layout of one's own, ``--model.layers.retina.geometry ell.Ell`` in this folder."""

import torch

from lightning_snn import Points


class Ell(Points):
    """A square without its upper right quarter, on which nodes lie by chance.

    Args:
        num_nodes: Nodes that a whole square would have; about three quarters of them are there.
        side: Side of the square.
    """

    def __init__(self, num_nodes: int = 1500, side: float = 28.0) -> None:
        place = side * torch.rand(num_nodes, 2, generator=torch.Generator().manual_seed(0))
        super().__init__(place[(place < side / 2).any(1)])
