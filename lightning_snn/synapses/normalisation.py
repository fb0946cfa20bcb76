"""What a projection may do to the charges that it delivers: bring them to a known mean and deviation."""

from abc import ABC, abstractmethod
from typing import Self

from torch import Tensor, nn

from lightning_snn.core.config import Configurable


class Normalisation(Configurable, nn.Module, ABC):
    """A normalisation of charges with trained parameters; a projection makes its own of the same arguments.

    The neurons of a target are ``C`` channels of ``P`` places each, ``channel P + place``: of maps the maps,
    else every neuron is a channel.
    """

    whole_sequences: bool = True
    """Whether it must see all steps at once, so that no loop can lead through it."""

    needs_threshold: bool = False
    """Whether it is to be told the charge that drives neurons at rest to their threshold."""

    def sized(self, channels: int, places: int) -> Self:
        """One of the same arguments for ``channels`` of ``places`` neurons, with parameters of its own."""
        made = self.again()
        made.build(channels, places)
        return made

    @abstractmethod
    def build(self, channels: int, places: int) -> None:
        """Make the parameters."""

    @abstractmethod
    def forward(self, charge: Tensor) -> Tensor:
        """Normalised charge ``[T, B, N]`` of charge ``[T, B, N]``."""

    def fit(self, threshold: Tensor) -> None:
        """Take the charge ``[]`` or ``[N]`` that drives neurons at rest to threshold, before any training."""
        del threshold
