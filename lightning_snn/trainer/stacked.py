"""What a module with a stack, whose layers owned their projections, saved: in the form of a network's."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from torch import Tensor

from lightning_snn.core.config import class_at

_LAYER = r"stack\.layers\.(?P<layer>\w+)"

_PROJECTION = re.compile(rf"{_LAYER}\.projection\.(?P<rest>.+)")

_LATERAL = re.compile(rf"{_LAYER}\.lateral\.(?P<rest>.+)")
"""Of these, only inhibition that is learned had a tensor, its weights."""

_CONTROL = re.compile(r"controls\.(?P<control>\w+)\.copies\.(?P<layer>\w+)\.wired")


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
    return found | _beside_controls(state)


def _beside_controls(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Inhibition that is learned beside the later connections of a control: it was the network's own."""
    found: dict[str, Tensor] = {}
    controls = [match for name in state if (match := _CONTROL.fullmatch(name))]
    for before, match in pairwise(controls):
        weight = state.get(f"stack.layers.{match['layer']}.lateral.weight")
        if weight is not None and match["control"] == before["control"]:
            prefix = f"controls.{match['control']}.copies.{match['layer']}_lateral"
            found |= {f"{prefix}.weight": weight.clone(), f"{prefix}.wired": state[match[0]].clone()}
    return found


def without_streams(phase: dict[str, Any]) -> None:
    """Forget what the streams of an unfinished phase held, where every round starts from rest anyway.

    Neurons and rules that keep more, or less, than they did go on from there.

    Args:
        phase: State of the callback, changed in place.
    """
    stimuli = [one for one in phase.get("settings", {}).values() if isinstance(one, dict)]
    classes = [class_at(str(one.get("class_path"))) for one in stimuli]
    if classes and all(getattr(cls, "continues", True) is False for cls in classes):
        phase["streams"] = []


def _pools(state: Mapping[str, Tensor], layer: str) -> bool:
    weight = state.get(f"stack.layers.{layer}.projection.weight")
    return weight is not None and weight.ndim == 2 and weight.shape[1] == 0
