"""Weights of a stack, whose layers owned their projections, by the names that they have in a network."""

import re
from collections.abc import Mapping

from torch import Tensor

_LAYER = r"stack\.layers\.(?P<layer>\w+)"

_PROJECTION = re.compile(rf"{_LAYER}\.projection\.(?P<rest>.+)")

_LATERAL = re.compile(rf"{_LAYER}\.lateral\.(?P<rest>.+)")
"""Of these, only inhibition that is learned had a tensor, its weights."""


def connected(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A ``state_dict`` with layers and connections in place of a stack.

    Pooling had weights of no inputs, and has none; learned inhibition was wired when the projection to its
    layer was, and says so itself now.

    >>> import torch
    >>> list(connected({"stack.layers.lgn.projection.weight": torch.ones(2, 3), "readouts.a": torch.ones(1)}))
    ['network.connections.lgn.projection.weight', 'readouts.a']
    """
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        projection, lateral = _PROJECTION.fullmatch(name), _LATERAL.fullmatch(name)
        if projection is not None:
            if not _pools(state, projection["layer"]):
                found[f"network.connections.{projection['layer']}.projection.{projection['rest']}"] = value
        elif lateral is not None:
            layer = lateral["layer"]
            prefix = f"network.connections.{layer}_lateral.projection"
            found[f"{prefix}.{lateral['rest']}"] = value
            wired = state.get(f"stack.layers.{layer}.projection.wired")
            if wired is not None:
                found[f"{prefix}.wired"] = wired.clone()
        else:
            found[re.sub(r"^stack\.", "network.", name)] = value
    return found


def _pools(state: Mapping[str, Tensor], layer: str) -> bool:
    weight = state.get(f"stack.layers.{layer}.projection.weight")
    return weight is not None and weight.ndim == 2 and weight.shape[1] == 0
