"""Fixed random weights that bring errors back."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_snn.core.random import network_stream
from lightning_snn.network import SpikingNetwork


def random_feedback(
    network: SpikingNetwork, name: str, shape: Sequence[int], *, like: Tensor, scale: float
) -> Tensor:
    """Normal numbers of a ``shape``, drawn from the network's seed for what is called ``name``.

    Their standard deviation is ``scale`` times that of the weights ``like``, whose format and device they
    have.
    """
    drawn = torch.randn(shape, generator=network_stream(network.seed, f"feedback/{name}").torch())
    return scale * like.detach().std(correction=0) * drawn.to(like)
