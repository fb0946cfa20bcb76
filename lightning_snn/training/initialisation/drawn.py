"""Initialisations that draw weights and look at no data."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.network import SpikingNetwork
from lightning_snn.synapses import WeightedProjection
from lightning_snn.training.initialisation.initialisation import (
    Agree,
    Initialisation,
    generator_of,
    trained_in,
)


class Moments(NamedTuple):
    """Mean and deviation of weights, of any shape that fits ``weight``."""

    mean: Tensor
    deviation: Tensor


class DrawnInitialisation(Initialisation):
    """Weights drawn from normal distributions; a new one says their moments.

    Each connection draws from the seed of the network under its name.
    """

    @abstractmethod
    def moments(self, network: SpikingNetwork, name: str, projection: WeightedProjection) -> Moments:
        """Mean and deviation of the weights of the connection ``name``.

        Raises:
            ValueError: if its neurons or sizes do not allow any.
        """

    def check(self, network: SpikingNetwork) -> None:
        """See `Initialisation.check`; neurons must be of a kind that `moments` knows."""
        super().check(network)
        for name, projection in trained_in(network, {}).items():
            self.moments(network, name, projection)

    @torch.no_grad()
    def start(
        self,
        network: SpikingNetwork,
        *,
        projections: Mapping[str, WeightedProjection],
        inputs: Mapping[str, Tensor] | None = None,
        agree: Agree = lambda value: value,
    ) -> None:
        """See `Initialisation.start`; data are not looked at."""
        del inputs, agree
        for name, projection in trained_in(network, projections).items():
            mean, deviation = self.moments(network, name, projection)
            shape, own = projection.weight.shape, projection.weight
            normal = torch.randn(shape, generator=generator_of(network, name), dtype=torch.float64)
            projection.rewire({"weight": (mean + deviation * normal.to(mean.device)).to(own)})
