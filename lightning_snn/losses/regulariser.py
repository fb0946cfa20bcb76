"""What a regulariser is: a cost of activity or weights that is added to the loss."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.network import SpikingNetwork
from lightning_snn.presentation.present import Presentation


class Regulariser(Configurable, ABC):
    """Base of the regularisers: ``regulariser(shown, network) -> cost``, of the network without its controls.

    Of a presentation it should need no more than `Presentation.rates`.
    """

    @abstractmethod
    def __call__(self, shown: Presentation, network: SpikingNetwork) -> Tensor:
        """The cost, a scalar with gradients.

        Args:
            shown: What a batch evoked, with ``rates``.
            network: The network.
        """

    def measured(self, cost: Tensor) -> Mapping[str, Tensor]:
        """What is logged in training beside a ``cost``, and follows from it, by name; nothing by default."""
        del cost
        return {}

    def check(self, network: SpikingNetwork, layers: Collection[str], *, key: str) -> None:
        """Raise ``ValueError`` if it does not fit the network, of which these ``layers`` run."""
        del network, layers, key


def check_regularisers(
    regularisers: Mapping[str, Regulariser], network: SpikingNetwork, layers: Collection[str]
) -> None:
    """Raise ``ValueError`` if one does not fit the network, or there is nothing that it could change."""
    for name, one in regularisers.items():
        checks.instance(f"regularisers.{name}", one, Regulariser, such="RateBounds(upper=50.0)")
        if not any(p.requires_grad for p in network.parameters()):
            raise ValueError(
                f"regularisers.{name} has nothing to change: no projection of the network is trained "
                "(trainable: true), and no constant of neurons learned (learn)"
            )
        one.check(network, layers, key=f"regularisers.{name}")
