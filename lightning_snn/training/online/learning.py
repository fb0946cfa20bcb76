"""What a learning rule is that takes the place of backpropagation through time."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from lightning_snn.core.config import Configurable
from lightning_snn.encoders import Encoder
from lightning_snn.network import SpikingNetwork
from lightning_snn.presentation.present import Presentation
from lightning_snn.readout import Readout


@dataclass(frozen=True)
class Reading:
    """A network, what shows it an input, and what reads it.

    Args:
        network: The network.
        encoders: Those of its input layers, by name.
        readout: The readout.
        read_from: Name of the layer that it reads.
        tau_trace: Time constant in ms of the traces that it reads; None counts spikes.
    """

    network: SpikingNetwork
    encoders: Mapping[str, Encoder]
    readout: Readout
    read_from: str
    tau_trace: float | None = None


class Learner(nn.Module, ABC):
    """A learning rule with what it keeps for a network, such as fixed feedback weights."""

    @abstractmethod
    def forward(self, input: Any, reading: Reading) -> tuple[Presentation, Tensor]:
        """What an input evokes, and what the readout gives of it, ``[B, C]`` or over time ``[T, B, C]``.

        Gradients of a loss of it, and of ``rates``, reach what is trained as the rule has them.
        """


class Learning(Configurable, ABC):
    """How gradients reach what is trained: another way than backpropagation through time."""

    @abstractmethod
    def of(self, reading: Reading) -> Learner:
        """The rule for a network and its readout; what is random is drawn from the network's seed.

        Raises:
            ValueError: if it cannot train something that is to be trained.
        """
