"""Errors of the command line as one sentence: which key, what was given, what is allowed."""

import difflib
import inspect
import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError, Namespace, get_loader
from lightning.fabric.utilities.exceptions import MisconfigurationException

import lightning_snn

USER_ERRORS = (ArgumentError, ValueError, FileNotFoundError, ImportError, MisconfigurationException)
"""What a user can mend by changing an argument, a file or an installation."""

NO_TRAINER_LOGGER = (
    "trainer.logger has no effect here: give --logger csv, tensorboard or wandb (YAML: logger)"
)

_NESTED = r"\n|(?<=expects a function or a callable class): "

_NOISE = (
    "Does not validate against any of the Union subtypes",
    "Subtypes:",
    "Errors:",
    "Expected a <class 'NoneType'>",
    "Given value",
    "Problem with given class_path",
    "Parser key",
    "Type collections.abc.Callable",
    "Expected a path but",
)


def sentence(error: BaseException) -> str:
    """The innermost cause of an error, after the key that the outer messages name.

    jsonargparse nests the messages of all types that it tried; the cause is the first line that is not
    about the nesting.
    """
    message = str(error)
    if message.startswith("Problems parsing config"):
        return " ".join(message.split())
    lines = [line.strip().removeprefix("- ") for line in re.split(_NESTED, message)]
    causes = [line for line in lines if line and not line.startswith(_NOISE)]
    reason = _plain(causes[0], message) if causes else " ".join(lines)
    key = _key(message)
    if key.startswith("trainer.logger"):
        return NO_TRAINER_LOGGER
    return reason if not key or reason.startswith(key) else f"{key}: {reason}"


def located(error: BaseException, config: Namespace) -> ValueError:
    """The error of a constructor, with the key of the value that it complains about where one fits.

    A constructor says ``num_nodes``; the user gave ``model.layers.retina.geometry.num_nodes``.
    """
    reason = sentence(error)
    found = re.match(r"(\w+) must .*, got (.+)$", reason)
    if found:
        name, given = found.groups()
        for key, value in _entries(config, ""):
            if key.endswith(f".{name}") and given.strip("'") in (str(value), str(_as_list(value))):
                return ValueError(f"{key.removesuffix(name)}{reason}".replace(".init_args.", "."))
    return ValueError(reason)


def placed(error: BaseException, files: Sequence[str]) -> str:
    """`sentence`, and where an argument is unknown, where in the files it stands.

    jsonargparse does not say in which layer.
    """
    reason = sentence(error)
    if unknown := re.search(r": (\w+ has no argument '(\w+)'.*)", reason):
        configs = [get_loader("yaml")(Path(file).read_text(encoding="utf-8")) for file in files]
        keys = [key for config in configs for key, _ in _entries(config, "")]
        found = [key.replace(".init_args.", ".") for key in keys if key.endswith(f".{unknown[2]}")]
        if len(found) == 1:
            return f"{found[0].removesuffix('.' + unknown[2])}: {unknown[1]}"
    return reason


def _key(message: str) -> str:
    """The dotted key that the nested messages lead to."""
    outer = re.findall(r'Parser key "([^"]+)"', message)
    nested = re.findall(r"NestedArg\(key='([^']+)'", message)
    if nested and outer:
        return f"{outer[0]}.{max(nested, key=len)}"
    return ".".join(outer)


def _plain(cause: str, message: str) -> str:
    """The words of jsonargparse for a cause in the user's."""
    if option := re.match(r"Option '(\w+)' is not accepted", cause):
        classes = re.findall(r"Problem with given class_path '([\w.]+)'", message)
        classes += re.findall(r"Got value: Namespace\(class_path='([\w.]+)'", cause)
        return _unknown_option(option[1], classes[-1])
    if literal := re.match(r"Expected a (?:typing\.)?Literal\[(.*)\](?:\. Got value: (.*))?", cause):
        given = literal[2] or re.findall(r"Given value: (.*)", message)[-1]
        return f"must be one of {literal[1]}, got {given!r}"
    if path := re.match(r"Expected a dot import path string: (.*)", cause):
        return f"there is no class {path[1]!r}{_did_you_mean(path[1], lightning_snn.__all__)}"
    if attribute := re.match(r"module 'lightning_snn' has no attribute '(\w+)'", cause):
        name = attribute[1]
        return f"there is no class {name!r}{_did_you_mean(name, lightning_snn.__all__)}"
    return cause


def _unknown_option(name: str, class_path: str) -> str:
    module, _, class_name = class_path.rpartition(".")
    parameters = [n for n in inspect.signature(getattr(import_module(module), class_name)).parameters]
    return (
        f"{class_name} has no argument {name!r}{_did_you_mean(name, parameters)}; "
        f"it has {', '.join(parameters)}"
    )


def _did_you_mean(given: str, known: list[str]) -> str:
    close = difflib.get_close_matches(given, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _entries(config: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Dotted keys and values at any depth; an entry of a list is called ``key[0]``."""
    items = vars(config) if isinstance(config, Namespace) else config
    for name, value in items.items():
        parts = value if isinstance(value, list) else []
        if isinstance(value, Namespace | dict):
            yield from _entries(value, f"{prefix}{name}.")
        elif parts and all(isinstance(part, Namespace | dict) for part in parts):
            for number, part in enumerate(parts):
                yield from _entries(part, f"{prefix}{name}[{number}].")
        else:
            yield f"{prefix}{name}", value
