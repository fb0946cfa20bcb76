"""Errors of the command line as one sentence: which key, what was given, what is allowed."""

import difflib
import inspect
import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import Trainer

import lightning_snn
from lightning_snn.cli.faults import is_out_of_memory, origin
from lightning_snn.core.config import dotted, entries
from lightning_snn.core.upgrade_inhibition import INHIBITION, MOVED, NEURON

NO_TRAINER_LOGGER = (
    "trainer.logger has no effect here: give --logger csv, tensorboard or wandb (YAML: logger)"
)

KEYS = {
    "": [
        "model",
        "data",
        "trainer",
        "self_organization",
        "logger",
        "seed",
        "seed_everything",
        "ckpt_path",
        "weights_only",
    ],
    "trainer": list(inspect.signature(Trainer).parameters),
    "self_organization": list(inspect.signature(lightning_snn.SelfOrganization).parameters),
}
"""The keys of a recipe that belong to no class of the user's choice."""

_CALLABLE = r"Type \S*Callable\[.*\] expects a function or a callable class: ?"

_NOISE = (
    "Does not validate against any of the Union subtypes",
    "Subtypes:",
    "Errors:",
    "Expected a <class 'NoneType'>",
    "Given value",
    "Problem with given class_path",
    "Parser key",
    "Expected a path but",
)

_TYPES = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "list": "a list",
    "tuple": "a list",
    "collections.abc.Sequence": "a list",
    "dict": "names with values",
}


def sentence(error: BaseException) -> str:
    """The innermost cause of an error, after the key that the outer messages name.

    jsonargparse nests the messages of all types that it tried; the cause is the first line that is not
    about the nesting.
    """
    message = str(error)
    lines = [line.strip().removeprefix("- ") for line in re.sub(_CALLABLE, "\n", message).split("\n")]
    causes = [line for line in lines if line.strip("- ") and not line.startswith(_NOISE)]
    if "Given value type: <class 'dict'>" in message:  # of several types it was meant to be that with keys
        causes = [cause for cause in causes if not cause.startswith("Expected a <class")] or causes
    reason = _plain(causes, message) if causes else " ".join(lines).strip()
    key = re.sub(r"^(fit|validate|test|predict)\.", "", _key(message))
    if key.startswith("trainer.logger"):
        return NO_TRAINER_LOGGER
    if missing := re.match(r"the following arguments are required: ([\w.]+)", reason):
        return f"{key}.{missing[1].rpartition('.')[2]} is missing".lstrip(".")
    if not key or reason.startswith(key):
        return reason
    return f"{key} {reason}" if reason.startswith("must ") else f"{key}: {reason}"


def located(error: BaseException, config: Namespace) -> ValueError:
    """An error of building or running, with the key of the value that it complains about where one fits.

    A constructor says ``num_nodes``; the user gave ``model.layers.retina.geometry.num_nodes``. Lightning
    names an argument of the Trainer somewhere in its words.
    """
    reason = sentence(error)
    values = {dotted(path): value for path, value in entries(config)}
    if is_out_of_memory(error):
        sizes = {key: value for key, value in values.items() if type(value) is int and "seed" not in key}
        largest = max(sizes, key=lambda key: sizes[key])
        reason = reason.removesuffix(".")
        return ValueError(f"not enough memory ({reason}): the largest value is {largest}: {sizes[largest]}")
    if origin(error) == "lightning":
        words = re.findall(r"\w+", reason)
        named = [word for word in words if word in KEYS["trainer"]]
        named += [name for name in KEYS["trainer"] if values.get(f"trainer.{name}") in words]
        return ValueError(f"trainer.{named[0]}: {reason}" if named else reason)
    subject = re.match(r"([\w.\[\]]+)(?= must | is |:)", reason)
    if not subject:
        return ValueError(reason)
    keys = [key for key in values if key.endswith(f".{subject[1]}")]
    given = re.search(r", got (.+)$", reason)
    same = [key for key in keys if given and given[1].strip("'") in _spellings(values[key])]
    chosen = same[:1] or keys[: len(keys) == 1]
    return ValueError(chosen[0] + reason[len(subject[1]) :] if chosen else reason)


_BY_NAME = ("layers", "connections", "controls", "stimulus")
"""Arguments that hold an entry for each layer or connection, or one for each name of the user's."""


def placed(error: BaseException, given: Any) -> str:
    """`sentence`, with the layer or the place in a list, which jsonargparse leaves out of the key.

    Args:
        error: What the parser raised.
        given: The files and options as read, laid over each other.
    """
    reason = sentence(error)
    subject = re.match(r"[\w.]+(?=:| must | is missing)", reason)
    if not subject:
        return reason
    key, absent = subject[0], ""
    if reason == f"{key} is missing":
        key, _, absent = key.rpartition(".")
    words = re.findall(r"'([^']+)'", reason) + re.findall(r"got (.+)$", reason)
    found = [
        path
        for path, value in entries(given)
        if _skips_steps(key.split("."), path)
        and (_lacks(value, absent) if absent else bool(words) and words[0] in str(value))
        and not (path[-1] in _BY_NAME or isinstance(value, list))
    ]
    shortest = [path for path in found if len(path) == min(map(len, found))]
    return dotted(shortest[0]) + reason[len(key) :] if len(shortest) == 1 else reason


def unknown_key(key: str) -> str:
    """What to say of a key that no recipe has.

    >>> unknown_key("loger")
    'there is no key loger (did you mean logger?)'
    """
    group, _, name = key.rpartition(".")
    close = _close(name, KEYS.get(group, []))
    return f"there is no key {key}" + (f" (did you mean {f'{group}.{close}'.lstrip('.')}?)" if close else "")


def _key(message: str) -> str:
    """The dotted key that the nested messages lead to."""
    outer = list(dict.fromkeys(re.findall(r'Parser key "([^"]+)"', message)))
    nested = re.findall(r"NestedArg\(key='([^']+)'", message)
    if nested and outer:
        return f"{outer[0]}.{max(nested, key=len)}"
    return ".".join(outer)


def _is_another_kind(cause: str) -> bool:
    """Whether a cause only says that something else was expected."""
    other = r"Expected '[\w.]+' to be a subclass|Import path [\w.]+ does not correspond"
    return bool(re.match(other, cause))


def _plain(causes: Sequence[str], message: str) -> str:
    """The words of jsonargparse for a cause in the user's."""
    causes = sorted(causes, key=_is_another_kind)  # where several kinds are allowed
    cause = causes[0]
    given = re.findall(r"(?:Got value: |, but got )(.+?)(?:\. Got value: .*)?$", cause)
    given += re.findall(r"Given value: (?!NestedArg)(.+?)(?:\. Got value: .*)?\n", f"{message}\n")
    got = (given or [""])[0]
    got = got if len(got) < 80 else f"{got[:80]}..."
    if unknown := re.match(r"Group '(\w+)' does not accept option '([\w.]+)'", cause):
        return unknown_key(f"{unknown[1]}.{unknown[2]}")
    if unknown := re.match(r"unrecognized arguments: -*([\w.]+)", cause):
        return unknown_key(unknown[1]) if " --" in cause else f"{unknown[1]!r} is no option: --key value"
    if incomplete := re.match(r"argument (--\w+): expected one argument", cause):
        return f"an option that begins with {incomplete[1]} has no value"
    if unknown := re.match(r"Option '(\w+)[\w.]*' is not accepted", cause):
        before = message[: message.index(unknown[0])]
        classes = re.findall(r"Problem with given class_path '([\w.]+)'", before)
        classes += re.findall(r"Got value: Namespace\(class_path='([\w.]+)'", cause)
        return _unknown_option(unknown[1], classes[-1]) if classes else unknown_key(unknown[1])
    if re.match(r"Expected a (typing\.)?Literal", cause):
        tried = [
            re.match(r"Expected a (?:typing\.)?Literal\[(.*)\](?:\. Got value: (.*))?", c) for c in causes
        ]
        values = [literal[2] for literal in tried if literal and literal[2]] or [got]
        return f"must be one of {tried[0][1] if tried[0] else ''}, got {values[0]!r}"
    if re.match(r"Expected a <class", cause):
        kinds = [kind[1] for c in causes if (kind := re.match(r"Expected a <class '([\w.]+)'>", c))]
        wanted = dict.fromkeys(_TYPES.get(kind, kind) for kind in kinds)
        return f"must be {' or '.join(wanted)}, got {got!r}"
    if re.match(r"Expected a tuple with", cause):
        sizes = [size[1] for c in causes if (size := re.match(r"Expected a tuple with (\d+) elements", c))]
        return f"must be a list of {' or '.join(dict.fromkeys(sizes))} values, got {got}"
    if kind := re.match(r"Not a valid subclass of (\w+)", cause):
        return f"must be a {kind[1]} (the path of a class, or its arguments), got {got}"
    if kind := re.match(r"Import path ([\w.]+) does not correspond to a subclass of (\w+)", cause):
        return f"must be a {kind[2]}, got {kind[1]!r}"
    if kind := re.match(r"Expected '([\w.]+)' to be a subclass of .*?(\w+)['>,]", cause):
        return f"must be a {kind[2]}, got {kind[1]!r}"
    if re.match(r"Dict must include a class_path|Expected an instantiatable class", cause):
        return "belongs to a part for which no class is named: is a name in the key misspelt?"
    if re.match(r"Expected an import path or a subclass spec", cause):
        return f"must be the path of a class, or its class_path and init_args, got {got!r}"
    if group := re.match(r"Unable to load config ['\"](.*)['\"]", cause):
        return f"must hold arguments by name, got {group[1]!r}"
    if path := re.match(r"(?:Expected a dot import path string|Unexpected import path format): (.*)", cause):
        return _unknown_class(path[1])
    if module := re.match(r"No module named '([\w.]+)'", cause):
        return f"there is no module {module[1]!r}, neither installed nor in this folder"
    if attribute := re.match(r"module '([\w.]+)' has no attribute '(\w+)'", cause):
        return _unknown_class(f"{attribute[1]}.{attribute[2]}")
    return cause


def _unknown_option(name: str, class_path: str) -> str:
    module, _, class_name = class_path.rpartition(".")
    parameters = [n for n in inspect.signature(getattr(import_module(module), class_name)).parameters]
    if (class_path, name) == (NEURON, INHIBITION):
        return MOVED
    close = _close(name, parameters)
    hint = f" (did you mean {close}?)" if close else ""
    return f"{class_name} has no argument {name!r}{hint}; it has {', '.join(parameters)}"


def _unknown_class(path: str) -> str:
    close = _close(path.rpartition(".")[2], lightning_snn.__all__)
    return f"there is no class {path!r}" + (f" (did you mean lightning_snn.{close}?)" if close else "")


def _close(given: str, known: Sequence[str]) -> str:
    """The name most like the one that was given, whatever the case; empty where none is like it."""
    lower = {name.lower(): name for name in known}
    return next((lower[name] for name in difflib.get_close_matches(given.lower(), lower, n=1)), "")


def _spellings(value: Any) -> tuple[str, str]:
    return str(value), str(list(value) if isinstance(value, tuple) else value)


def _lacks(value: Any, name: str) -> bool:
    """Whether a mapping of arguments has no value for a name."""
    if not isinstance(value, dict):
        return False
    return value.get("init_args", value).get(name) is None


def _skips_steps(key: Sequence[str], path: Sequence[str]) -> bool:
    """Whether ``key`` is ``path`` but for at most two steps in between or at its end.

    >>> _skips_steps(["layers", "neuron"], ["layers", "lgn", "neuron"])
    True
    """
    rest = iter(path)
    return len(path) - len(key) in (0, 1, 2) and all(step in rest for step in key)
