"""What a network is run on: sequences of one length and batch, each of the size of its layer."""

from collections.abc import Mapping

from torch import Tensor

from lightning_snn.core.module_dict import ModuleDictOf
from lightning_snn.network.layer import SpikingLayer
from lightning_snn.ops.sequence import check_sequence


def sequence_of(
    inputs: Mapping[str, Tensor], known: Mapping[str, Tensor], layers: ModuleDictOf[SpikingLayer]
) -> Tensor:
    """One of the sequences, of the T and B that all share.

    Args:
        inputs: Input ``[T, B, N]`` of layers by name.
        known: Spikes ``[T, B, N]`` of layers that have run already, by name.
        layers: The layers of the network.

    Raises:
        ValueError: if there is none, one is for a layer that does not exist, or they do not fit.
    """
    names = list(layers)
    unknown = [name for name in [*inputs, *known] if name not in layers]
    if unknown:
        raise ValueError(f"inputs must be for layers of {names}, got {unknown}")
    given = {f"inputs.{name}": (name, x) for name, x in inputs.items()}
    given |= {f"known.{name}": (name, x) for name, x in known.items()}
    if not given:
        raise ValueError(f"inputs must drive at least one layer of {names}, got none")
    first = next(iter(given))
    shape = given[first][1].shape[:2]
    for key, (name, sequence) in given.items():
        num_nodes = layers[name].num_nodes
        if sequence.ndim != 3 or sequence.shape[2] != num_nodes:
            raise ValueError(f"{key} must be [T, B, {num_nodes}], got {list(sequence.shape)}")
        check_sequence(sequence)
        if sequence.shape[:2] != shape:
            other = list(sequence.shape[:2])
            raise ValueError(f"inputs must have one T and B, got {list(shape)} ({first}) and {other} ({key})")
    return given[first][1]
