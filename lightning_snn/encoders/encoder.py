"""What a batch of images becomes at the first layer."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.core.random import RandomStream


class Encoder(Configurable, ABC):
    """Turns grey values into the input of the first layer.

    Args:
        num_steps: Steps T of a presentation.

    Raises:
        ValueError: if ``num_steps`` is not positive.
    """

    stream: RandomStream | None = None
    """Where the numbers of an encoder come from that draws the same at every call."""

    def __init__(self, num_steps: int) -> None:
        checks.count("num_steps", num_steps)
        self.num_steps = num_steps

    @property
    @abstractmethod
    def repeatable(self) -> bool:
        """Whether the same values always give the same input, so that features may be kept."""

    @abstractmethod
    def __call__(self, values: Tensor, *, dt: float, generator: torch.Generator | None = None) -> Tensor:
        """Input ``[T, B, N]`` for values ``[B, N]`` in [0, 1] and a step of ``dt`` ms.

        ``generator`` is the source of chance of an encoder that is not repeatable; by default torch's own.
        """
