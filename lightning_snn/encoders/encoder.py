"""What a batch becomes at an input layer."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from lightning_snn.core.config import Configurable
from lightning_snn.core.random import RandomStream
from lightning_snn.geometry import Sheet


class Encoder(Configurable, ABC):
    """Turns the input of a batch into the current of an input layer over time.

    What an input is, images, sequences or something of a user's own, is for the encoder to say and to check.
    """

    stream: RandomStream | None = None
    """Where the numbers of an encoder come from that draws the same at every call."""

    @property
    @abstractmethod
    def repeatable(self) -> bool:
        """Whether the same input always gives the same current, so that features may be kept."""

    @abstractmethod
    def encode(
        self, input: Any, sheet: Sheet, *, dt: float, generator: torch.Generator | None = None
    ) -> Tensor:
        """Current ``[T, B, N]`` of an input layer.

        Args:
            input: What the loader gives for B samples, see `core.batches.Input`.
            sheet: The geometry of the layer, of N nodes.
            dt: Step in ms.
            generator: Source of chance of an encoder that is not repeatable; by default torch's own.

        Raises:
            ValueError: if the input is none of this encoder's, or does not fit the sheet.
        """

    @abstractmethod
    def steps(self, input: Any, *, dt: float) -> int:
        """Steps T of the current that an input becomes, without computing it."""

    def lengths(self, input: Any, *, dt: float) -> Tensor | None:
        """Steps of each sample ``[B]``, from 1 to T; None where all of them last T steps."""
        del input, dt
        return None
