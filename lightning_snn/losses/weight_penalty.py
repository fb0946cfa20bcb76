"""A cost of large weights."""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.losses.regulariser import Regulariser
from lightning_snn.network import SpikingNetwork
from lightning_snn.presentation.present import Presentation


class WeightPenalty(Regulariser):
    """``l1 sum |w| + l2 sum w^2`` over the weights of connections.

    Args:
        l1: Cost of absolute weights, which makes them sparse.
        l2: Cost of squared weights.
        connections: Names of the connections; by default all whose weights are trained.

    Raises:
        ValueError: if a cost is negative, or both are 0.

    Source: Tibshirani, J. R. Stat. Soc. B 58 (1996); Krogh and Hertz, NeurIPS (1991).
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, *, connections: Sequence[str] | None = None) -> None:
        checks.non_negative("l1", l1)
        checks.non_negative("l2", l2)
        if not (l1 or l2):
            raise ValueError(f"WeightPenalty needs l1 or l2 above 0, got {l1} and {l2}")
        self.l1, self.l2 = l1, l2
        self.connections = connections

    def check(self, network: SpikingNetwork, layers: Collection[str], *, key: str) -> None:
        """Raise ``ValueError`` if a connection is unknown, or its weights are not trained."""
        del layers
        trained = self._trained(network)
        for name in self.connections or ():
            checks.one_of(f"{key}.connections", name, trained)
        if not trained:
            raise ValueError(f"{key} needs weights that are trained (trainable: true), and there are none")

    def __call__(self, shown: Presentation, network: SpikingNetwork) -> Tensor:
        """The cost; see the class."""
        del shown
        names = self._trained(network) if self.connections is None else self.connections
        return torch.stack([self._cost(network.weighted[name].weight) for name in names]).sum()

    def _cost(self, weight: Tensor) -> Tensor:
        cost = self.l2 * weight.square().sum()
        return cost + self.l1 * weight.abs().sum() if self.l1 else cost

    def _trained(self, network: SpikingNetwork) -> list[str]:
        return [name for name, one in network.weighted.items() if one.weight.requires_grad]
