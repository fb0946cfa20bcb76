"""Inhibition that was an argument of `ConductanceLIF`, as the connection that it is now."""

from collections.abc import Iterator
from inspect import signature
from typing import Any

from lightning_snn.core.config import class_at

NEURON = "lightning_snn.ConductanceLIF"
"""The class that had the argument."""

INHIBITION = "inhibition"
"""The argument, and the input of the neurons that it became."""

DEFAULT = 17.0
"""Its value where a network of stacked layers did not name it."""

MOVED = (
    f"{NEURON.rpartition('.')[2]} has no argument {INHIBITION!r} any more: it is a connection of the layer "
    f"to itself, model.connections.NAME with input: {INHIBITION} and the projection "
    "lightning_snn.UniformInhibition, whose strength it is"
)
"""What is said to one who changes it in a layer of another configuration."""


def with_inhibition(arguments: dict[str, Any], *, unnamed: float = 0.0) -> dict[str, Any]:
    """Arguments of a module whose neurons named their inhibition, with connections in its place.

    Args:
        arguments: With ``layers`` by name; not modified. Those of another kind stay as they are.
        unnamed: The inhibition of neurons that do not name it; 0: none.

    >>> neuron = {"class_path": "lightning_snn.ConductanceLIF", "init_args": {"inhibition": 60.0}}
    >>> found = with_inhibition({"layers": {"cells": {"geometry": {}, "neuron": neuron}}})
    >>> found["layers"]["cells"]["neuron"]["init_args"]
    {}
    >>> found["connections"]["cells_lateral"]["init_args"]["projection"]["init_args"]
    {'strength': 60.0}
    """
    strengths = dict(_inhibited(arguments.get("layers"), unnamed))
    if not strengths:
        return arguments
    layers = {
        name: _without(layer) if name in strengths else layer for name, layer in arguments["layers"].items()
    }
    connections = dict(arguments.get("connections") or {})
    for name, strength in strengths.items():
        if strength:
            free = "lateral" if _arguments(layers[name]).get("lateral") is None else INHIBITION
            connections[f"{name}_{free}"] = _connection(name, strength)
    return arguments | {"layers": layers} | ({"connections": connections} if connections else {})


def _inhibited(layers: Any, unnamed: float) -> Iterator[tuple[str, float]]:
    """Names of the layers whose neurons inhibited each other, and how strongly."""
    for name, layer in layers.items() if isinstance(layers, dict) else ():
        arguments = _arguments(layer)
        neuron = arguments.get("neuron")
        # a layer without its geometry changes another one, whose connections are not known here
        if "geometry" not in arguments or not _had_it(neuron):
            continue
        strength = _arguments(neuron).get(INHIBITION, unnamed)
        if INHIBITION in _arguments(neuron) or strength:
            yield name, strength


def _arguments(settings: Any) -> dict[str, Any]:
    """Those of a class, which YAML may hold beside each other or as ``init_args``."""
    found = settings.get("init_args", settings) if isinstance(settings, dict) else None
    return found if isinstance(found, dict) else {}


def _had_it(neuron: Any) -> bool:
    """Whether a class of neurons had the argument from ours, and has none of its own by that name."""
    path = neuron.get("class_path") if isinstance(neuron, dict) else neuron
    if path in (NEURON, NEURON.rpartition(".")[2]):
        return True
    if not isinstance(path, str) or path.startswith("lightning_snn."):
        return False
    try:
        cls, ours = class_at(path), class_at(NEURON)
        return (
            cls is not None
            and ours is not None
            and issubclass(cls, ours)
            and INHIBITION not in signature(cls).parameters
        )
    except Exception:  # whatever importing somebody's module raises is reported where the class is built
        return False


def _without(layer: Any) -> Any:
    """A layer whose neurons do not name it."""
    if "init_args" in layer:
        return layer | {"init_args": _without(layer["init_args"])}
    neuron = layer["neuron"]
    if not isinstance(neuron, dict) or INHIBITION not in _arguments(neuron):
        return layer
    kept = {name: value for name, value in _arguments(neuron).items() if name != INHIBITION}
    return layer | {"neuron": neuron | {"init_args": kept} if "init_args" in neuron else kept}


def _connection(layer: str, strength: float) -> dict[str, Any]:
    projection = {"class_path": "lightning_snn.UniformInhibition", "init_args": {"strength": strength}}
    ends = {"source": layer, "target": layer, "input": INHIBITION, "projection": projection}
    return {"class_path": "lightning_snn.Connection", "init_args": ends}
