"""Errors of the command line as one sentence: which key, what was given, what is allowed."""

import re
from collections.abc import Collection, Sequence
from typing import Any

from jsonargparse import Namespace

from lightning_snn.cli.faults import is_out_of_memory, origin
from lightning_snn.cli.wording import KEYS, plain
from lightning_snn.core.config import dotted, entries

NO_TRAINER_LOGGER = (
    "trainer.logger has no effect here: give --logger csv, tensorboard or wandb (YAML: logger)"
)

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
    if "Given value type: <class 'jsonargparse._util.NestedArg'>" in message:  # it was an entry of a dict
        causes = [c for c in causes if not re.fullmatch(r"Expected a (typing\.)?Literal\[.*\]", c)] or causes
    reason = plain(causes, message) if causes else " ".join(lines).strip()
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


_BY_NAME = ("layers", "connections", "controls", "stimulus", "perturbations", "regularisers", "phases")
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
    lacking = re.findall(r"class_path '[\w.]*?(\w+)':\s+the following arguments are required", str(error))
    given_value = re.search(r"got '?(.+?)'?$", reason)
    words = [given_value[1]] if given_value else re.findall(r"'([^']+)'", reason)
    found = [
        path
        for path, value in entries(given)
        if _skips_steps(key.split("."), path)
        and (_lacks(value, absent, lacking) if absent else bool(words) and words[0] in str(value))
        and not (isinstance(value, list) or (path[-1] in _BY_NAME and isinstance(value, dict)))
    ]
    leaves = {path for path, value in entries(given) if given_value and str(value) == given_value[1]}
    found = [path for path in found if path in leaves] or found
    shortest = [path for path in found if len(path) == min(map(len, found))]
    return dotted(shortest[0]) + reason[len(key) :] if len(shortest) == 1 else reason


def _key(message: str) -> str:
    """The dotted key that the nested messages lead to."""
    outer = list(dict.fromkeys(re.findall(r'Parser key "([^"]+)"', message)))
    nested = re.findall(r"NestedArg\(key='([^']+)'", message)
    if nested and outer:
        return f"{outer[0]}.{max(nested, key=len)}"
    return ".".join(outer)


def _spellings(value: Any) -> set[str]:
    """What a sentence may say that it got: a value; of a list also one of its entries, or how many it has."""
    if not isinstance(value, list | tuple):
        return {str(value)}
    return {str(value), str([*value]), str(len(value)), *map(str, value)}


def _lacks(value: Any, name: str, kinds: Collection[str]) -> bool:
    """Whether a class, given by its path or its arguments and of these kinds, has no value for a name.

    >>> _lacks({"class_path": "lightning_snn.Disk"}, "radius", ["Disk"]), _lacks("Square", "radius", ["Disk"])
    (True, False)
    """
    if isinstance(value, str):
        return value.rpartition(".")[2] in kinds
    if not isinstance(value, dict):
        return False
    path = value.get("class_path")
    another = kinds and path and str(path).rpartition(".")[2] not in kinds
    return not another and value.get("init_args", value).get(name) is None


def _skips_steps(key: Sequence[str], path: Sequence[str]) -> bool:
    """Whether ``key`` is ``path`` but for at most two steps in between or at its end.

    >>> _skips_steps(["layers", "neuron"], ["layers", "lgn", "neuron"])
    True
    """
    rest = iter(path)
    return len(path) - len(key) in (0, 1, 2) and all(step in rest for step in key)
