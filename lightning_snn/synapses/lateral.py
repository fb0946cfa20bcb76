"""What neurons of a sheet send to each other."""

from abc import ABC, abstractmethod

from torch import nn

from lightning_snn.core.config import Configurable
from lightning_snn.geometry import Sheet


class Lateral(Configurable, ABC):
    """What neurons of a sheet send to each other; a spike arrives one step later."""

    @abstractmethod
    def couple(self, sheet: Sheet, dt: float = 1.0) -> nn.Module:
        """What computes the lateral input ``[B, N]`` of a step of ``dt`` ms from spikes ``[B, N]``."""
