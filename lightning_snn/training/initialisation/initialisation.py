"""What an initialisation is: the weights that gradients start from."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from lightning_snn.core.config import Configurable
from lightning_snn.core.random import network_stream
from lightning_snn.network import SpikingNetwork
from lightning_snn.synapses import WeightedProjection

Agree = Callable[[Tensor], Tensor]
"""The mean of a value over all processes."""


class Initialisation(Configurable, ABC):
    """Gives the connections of a network that gradients train the weights that they start from.

    Connections with a learning rule are left alone: their rule wires them. A new initialisation says the
    weights in `start`, and is named in a configuration like any other class.
    """

    needs_data: bool = False
    """Whether it looks at what data evoke in the network."""

    num_samples: int = 128
    """Training samples that it looks at, where it does."""

    def check(self, network: SpikingNetwork) -> None:
        """Raise ``ValueError`` if it cannot start this network: by default where nothing is trained."""
        if not trained_in(network, {}):
            raise ValueError(
                f"initialisation: {type(self).__name__} starts the weights of connections with `trainable: "
                "true` and no rule, and the network has none"
            )

    @abstractmethod
    def start(
        self,
        network: SpikingNetwork,
        *,
        projections: Mapping[str, WeightedProjection],
        inputs: Mapping[str, Tensor] | None = None,
        agree: Agree = lambda value: value,
    ) -> None:
        """Write weights into the connections that are trained.

        Args:
            network: The network.
            projections: Projections instead of the network's own, by connection name: those of a control.
            inputs: Input ``[T, B, N]`` of the input layers by name, where it `needs_data`.
            agree: The mean over the processes that train together, so that all of them start alike.
        """


def trained_in(
    network: SpikingNetwork, projections: Mapping[str, WeightedProjection]
) -> dict[str, WeightedProjection]:
    """What gradients train and no rule wires, by connection name; ``projections`` as in `start`."""
    chosen = network.weighted | dict(projections)
    return {name: p for name, p in chosen.items() if p.weight.requires_grad and p.rule is None}


def generator_of(network: SpikingNetwork, connection: str) -> torch.Generator:
    """Where the first weights of a connection are drawn from: the network's seed, under its name."""
    return network_stream(network.seed, f"initialisation/{connection}").torch()


def initialise(
    network: SpikingNetwork,
    initialisation: Initialisation,
    *,
    inputs: Tensor | Mapping[str, Tensor] | None = None,
) -> None:
    """Give the trainable connections of a network the weights that training starts from.

    Args:
        network: The network, changed in place.
        initialisation: How.
        inputs: Input ``[T, B, N]`` of the first layer, or of several by name, for one that looks at data.

    Raises:
        ValueError: if nothing is trained, the neurons are not of a kind that it knows, or data are missing.

    >>> from functools import partial
    >>> import lightning_snn as snn
    >>> sheet = partial(snn.Square, side=1.0)
    >>> dense = partial(snn.Dense, trainable=True)
    >>> layers = {"a": snn.SpikingLayer(sheet(100), snn.LIF()),
    ...           "b": snn.SpikingLayer(sheet(50), snn.LIF(), projection=dense)}
    >>> network = snn.SpikingNetwork(layers, seed=0)
    >>> snn.initialise(network, snn.FluctuationDriven(rate=20.0))
    >>> round(network.projections["b"].weight.std().item(), 1)
    4.5
    """
    initialisation.check(network)
    named = {network.names[0]: inputs} if isinstance(inputs, Tensor) else inputs
    initialisation.start(network, projections={}, inputs=named)
