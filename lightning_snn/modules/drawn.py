"""Encoders and readouts of a module, which draw from the seed of its network."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from lightning_snn.core.module_dict import ModuleDictOf
from lightning_snn.core.random import drawing, network_stream, rerouted, torch_seeded
from lightning_snn.encoders import Encoder
from lightning_snn.network import SpikingNetwork
from lightning_snn.presentation.present import NETWORK
from lightning_snn.readout import Readout


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
    return {name: rerouted(by_name[name], seed, NETWORK if alone else f"{NETWORK}/{name}") for name in names}


def readouts_of(
    readout: Callable[[int, int], Readout],
    sizes: Mapping[str, int],
    out_features: int,
    *,
    seed: int,
    own: Mapping[str, Callable[[int, int], Readout]] | None = None,
    purpose: str = "",
) -> ModuleDictOf[Readout]:
    """A readout for each network, which starts from weights of its own.

    Args:
        readout: ``(in_features, out_features) -> Readout``.
        sizes: Numbers of features by network.
        out_features: Size of what a readout gives.
        seed: That of the network.
        own: Those of networks that have another, by name.
        purpose: What they are for beside the readouts that learn from all samples; they start from others.
    """
    found = ModuleDictOf[Readout]()
    for name, size in sizes.items():
        place = f"{name}/{purpose}" if purpose else name
        with drawing(seed, place), torch_seeded(network_stream(seed, f"readout/{place}")):
            found[name] = (own or {}).get(name, readout)(size, out_features)
    return found


def follow_seed(module: nn.Module, keys: Any) -> None:
    """After loading: encoders draw from the seed in the file."""
    del keys
    module.encoders = encoders_of(module.encoders, module.network)  # type: ignore[arg-type, assignment]
