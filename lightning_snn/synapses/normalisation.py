"""What a projection may do to the charges that it delivers: bring them to a known mean and deviation."""

from abc import ABC, abstractmethod
from typing import Any, Self

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable


class Normalisation(Configurable, nn.Module, ABC):
    """A normalisation of charges with trained weights and biases, one for each channel of the target.

        y = weight normal(x) + bias,    weight = alpha threshold and bias = 0 at first

    The threshold counts as a charge: the one that drives a neuron from rest to its threshold when it arrives
    alone, whatever the model, its time constant or ``dt``. Of maps each is a channel, else every neuron is
    one. ``gain`` and scale of the weights of a projection with a norm do not matter.

    A projection makes its own norm of the same arguments. A subclass says in `make` what normalises.

    Args:
        alpha: Deviation at first, in thresholds.
        scale: The charge that counts as the threshold; by default as the target's neurons say.
        eps: Added to the variance.

    Raises:
        ValueError: if a number is not positive.
    """

    whole_sequences: bool = True
    """Whether it must see all steps at once, so that no loop can lead through it."""

    holds: bool = False
    """Whether charges that stay the same over time do so normalised too, so that one step stands for all."""

    norm: nn.Module
    places: int

    def __init__(self, alpha: float = 1.0, *, scale: float | None = None, eps: float = 1e-5) -> None:
        super().__init__()
        checks.positive("alpha", alpha)
        if scale is not None:
            checks.positive("scale", scale)
        checks.positive("eps", eps)
        self.alpha = alpha
        self.scale = scale
        self.eps = eps

    @abstractmethod
    def make(self, channels: int) -> nn.Module:
        """What normalises ``[n, C, P]``, n being steps and samples, with ``weight`` and ``bias`` ``[C]``."""

    def sized(self, channels: int, places: int) -> Self:
        """One of the same arguments for C ``channels`` of P ``places``, neuron ``channel P + place``."""
        made = self.again()
        made.places = places
        made.norm = made.make(channels)
        made.fit(torch.tensor(1.0 if self.scale is None else self.scale))
        return made

    @torch.no_grad()
    def fit(self, threshold: Tensor) -> None:
        """Start for neurons with a ``threshold`` charge, ``[]`` or ``[N]``; a channel has their mean."""
        weight: Any = self.norm.weight
        exact = threshold.double()
        weight.copy_(self.alpha * (exact.view(-1, self.places).mean(1) if exact.ndim else exact))

    def forward(self, charge: Tensor) -> Tensor:
        """Normalised charge ``[T, B, N]`` of charge ``[T, B, N]``."""
        normal: Tensor = self.norm(charge.reshape(-1, charge.shape[-1] // self.places, self.places))
        return normal.view_as(charge)
