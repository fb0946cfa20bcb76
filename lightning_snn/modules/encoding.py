"""The encoders of a module by input layer."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from lightning_snn.core.random import rerouted
from lightning_snn.encoders import Encoder
from lightning_snn.network import SpikingNetwork
from lightning_snn.presentation.present import NETWORK


def encoders_of(encoder: Encoder | Mapping[str, Encoder], network: SpikingNetwork) -> dict[str, Encoder]:
    """One encoder for each input layer, which draws from the network's seed.

    Args:
        encoder: The same for all of them, or one for each by name.
        network: The network.

    Raises:
        ValueError: if the names are others than those of the input layers.
    """
    names = network.inputs
    by_name = encoder if isinstance(encoder, Mapping) else dict.fromkeys(names, encoder)
    if set(by_name) != set(names):
        raise ValueError(
            f"encoder must be one encoder, or one for each of the input layers {names}, got those of "
            f"{list(by_name)}"
        )
    seed, alone = int(network.seed), len(names) == 1
    return {
        name: rerouted(by_name[name], seed, NETWORK if alone else f"{NETWORK}/{name}") for name in names
    }


def follow_seed(module: nn.Module, keys: Any) -> None:
    """After loading: encoders draw from the seed in the file."""
    del keys
    module.encoders = encoders_of(module.encoders, module.network)  # type: ignore[arg-type, assignment]
