"""What images become at an input layer."""

import math
from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.encoders.encoder import Encoder
from lightning_snn.geometry import Sheet


class ImageEncoder(Encoder):
    """Base of the encoders of images ``[B, C, H, W]``, which are sampled at the nodes of the sheet.

    A subclass says in `__call__` what the values at the nodes become. Images of one channel fit every
    geometry, those of C channels ``Maps(channels=C)``.

    Args:
        num_steps: Steps T of a presentation.

    Raises:
        ValueError: if ``num_steps`` is not positive.
    """

    value_range: tuple[float, float] = (0.0, 1.0)
    """Least and largest value of the images; infinite where every finite one will do."""

    def __init__(self, num_steps: int) -> None:
        checks.count("num_steps", num_steps)
        self.num_steps = num_steps

    @abstractmethod
    def __call__(self, values: Tensor, *, dt: float, generator: torch.Generator | None = None) -> Tensor:
        """Current ``[T, B, N]`` for values ``[B, N]`` in `value_range` and a step of ``dt`` ms.

        ``generator`` is the source of chance of an encoder that is not repeatable; by default torch's own.
        """

    def encode(
        self, input: Any, sheet: Sheet, *, dt: float, generator: torch.Generator | None = None
    ) -> Tensor:
        """Current ``[T, B, N]`` of images; see `Encoder.encode`.

        Raises:
            ValueError: if the images are not floating point ``[B, C, H, W]`` with values in `value_range`, or
                have more channels than the sheet takes.
        """
        if not isinstance(input, Tensor):
            raise ValueError(
                f"images must be a tensor [B, C, H, W] for {type(self).__name__}, got "
                f"{type(input).__name__}; sequences need the encoder Frames"
            )
        checks.images(input)
        low, high = self.value_range
        checks.values("images", input, low=low, high=high, user=type(self).__name__)
        return self(sheet.sample(input), dt=dt, generator=generator)

    def steps(self, input: Any, *, dt: float) -> int:
        """``num_steps``, whatever the images."""
        del input, dt
        return self.num_steps


ANY_VALUE = (-math.inf, math.inf)
"""The `ImageEncoder.value_range` of an encoder that takes normalised images of any range."""
