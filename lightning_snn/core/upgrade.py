"""Settings that older versions wrote, in the names of today: of checkpoints, configurations and commands."""

import re
from collections.abc import Sequence
from importlib import import_module
from inspect import signature
from typing import Any

from lightning_snn.core.config import class_at
from lightning_snn.core.upgrade_inhibition import with_inhibition

PACKAGE = "lightning_snn"

_FORMER = {"coupling": "lateral_active"}
"""Arguments of `SpikingLayer` by the names that they had."""

_VALUES = ("always", "development")
"""What those arguments are: with another value the name is somebody else's."""

_FORMER_FILES = re.compile(
    rf"{PACKAGE}\.(callbacks|data|encoding|geometry|lateral|lateral_inhibition|module|network|neurons|plasticity"
    r"|readout|stimuli|synapses)(\.[a-z_0-9]+)*\.(?P<name>[A-Za-z]\w*)"
)
"""Paths of classes in the files that held them."""


def upgraded(settings: Any, *, of: Any = None, inhibition: float = 0.0) -> Any:
    """Classes of this package by their public paths, wherever their files were; arguments by today's names.

    Inhibition that was an argument of neurons becomes a connection; see `with_inhibition`.

    Args:
        settings: Nested dictionaries and lists, as in a checkpoint or a YAML file; not modified.
        of: Path of the class whose arguments these are, where it is known.
        inhibition: That of neurons of the class that had the argument, where they do not name it.

    >>> upgraded({"layers": {"retina": {"neuron": {"class_path": "lightning_snn.neurons.lif.LIF"}}}})
    {'layers': {'retina': {'neuron': {'class_path': 'lightning_snn.LIF'}}}}
    >>> upgraded({"layers": {"retina": {"coupling": "development"}}})
    {'layers': {'retina': {'lateral_active': 'development'}}}
    """
    if isinstance(settings, list):
        return [upgraded(item, inhibition=inhibition) for item in settings]
    if isinstance(settings, str):
        return _public(settings)
    if not isinstance(settings, dict):
        return settings
    class_path = settings.get("class_path")
    found = {
        key: upgraded(value, of=class_path if key == "init_args" else None, inhibition=inhibition)
        for key, value in settings.items()
    }
    return with_inhibition(_renamed(found, of or settings.get("_class_path")), unnamed=inhibition)


def upgraded_options(args: Sequence[str]) -> list[str]:
    """The options and values of a command by the names of today.

    >>> upgraded_options(["--model.layers.retina.coupling", "always", "--seed=1"])
    ['--model.layers.retina.lateral_active', 'always', '--seed=1']
    """
    return [_option(arg, following) for arg, following in zip(args, [*args[1:], ""], strict=True)]


def _option(arg: str, following: str) -> str:
    key, given, value = arg.partition("=")
    if not arg.startswith("--"):
        return _public(arg)
    path, _, name = key.rpartition(".")
    if re.fullmatch(r"--model(\.init_args)?\.layers\.\w+(\.init_args)?", path):
        key = f"{path}.{_present(name, value if given else following)}"
    return f"{key}{given}{_public(value)}"


def _renamed(arguments: dict[str, Any], class_path: Any) -> dict[str, Any]:
    """Arguments by today's names, unless their class has some of its own by the former ones."""
    if not _FORMER.keys() & arguments.keys() or _has_its_own(class_path):
        return arguments
    return {_present(name, value): value for name, value in arguments.items()}


def _present(name: str, value: Any) -> str:
    return _FORMER[name] if name in _FORMER and value in _VALUES else name


def _public(text: str) -> str:
    """The public path of a class of ours; any other text as it is."""
    match = _FORMER_FILES.fullmatch(text)
    if match is None or match["name"] not in import_module(PACKAGE).__all__:
        return text
    return f"{PACKAGE}.{match['name']}"


def _has_its_own(class_path: Any) -> bool:
    """Whether a class has an argument of its own by a former name; False where it cannot be imported."""
    try:
        cls = class_at(str(class_path))
        return cls is not None and bool(_FORMER.keys() & signature(cls).parameters.keys())
    except Exception:  # whatever importing somebody's module raises is reported where the class is built
        return False
