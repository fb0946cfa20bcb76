"""Settings that older versions wrote, in the names of today: of checkpoints and of configurations."""

from importlib import import_module
from typing import Any

PACKAGE = "lightning_snn"

_LAYER_ARGUMENTS = {"coupling": "lateral_active"}
"""Arguments of a layer by the names that they had."""


def upgraded(settings: Any) -> Any:
    """Classes of this package by their public paths, wherever their files were; arguments by today's names.

    Args:
        settings: Nested dictionaries and lists, as in a checkpoint or a YAML file; not modified.

    >>> upgraded({"layers": {"retina": {"neuron": {"class_path": "lightning_snn.neurons.lif.LIF"}}}})
    {'layers': {'retina': {'neuron': {'class_path': 'lightning_snn.LIF'}}}}
    >>> upgraded({"layers": {"retina": {"coupling": "development"}}})
    {'layers': {'retina': {'lateral_active': 'development'}}}
    """
    if isinstance(settings, list):
        return [upgraded(item) for item in settings]
    if isinstance(settings, str):
        return _public(settings)
    if not isinstance(settings, dict):
        return settings
    found = {key: upgraded(item) for key, item in settings.items()}
    if isinstance(found.get("layers"), dict):
        found["layers"] = {name: _renamed(layer) for name, layer in found["layers"].items()}
    return found


def upgraded_option(option: str) -> str:
    """An option of the command line, or a value, by the names of today.

    >>> upgraded_option("--model.layers.retina.coupling=always")
    '--model.layers.retina.lateral_active=always'
    """
    key, given, value = option.partition("=")
    if not option.startswith("--"):
        return _public(option)
    path, _, name = key.rpartition(".")
    if ".layers." in path:
        key = f"{path}.{_LAYER_ARGUMENTS.get(name, name)}"
    return f"{key}{given}{_public(value)}"


def _public(text: str) -> str:
    """The public path of a class of ours; any other text as it is."""
    package, _, name = text.rpartition(".")
    ours = package.startswith(f"{PACKAGE}.") and hasattr(import_module(PACKAGE), name)
    return f"{PACKAGE}.{name}" if ours else text


def _renamed(layer: Any) -> Any:
    """A layer's arguments; those of a class of the user's own are the user's affair."""
    if not isinstance(layer, dict):
        return layer
    if "class_path" in layer:
        ours = layer["class_path"] == f"{PACKAGE}.SpikingLayer"
        return layer | {"init_args": _renamed(layer["init_args"])} if ours and "init_args" in layer else layer
    return {_LAYER_ARGUMENTS.get(name, name): value for name, value in layer.items()}
