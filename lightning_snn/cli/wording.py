"""What the parser says, in the words of its user: which key, class or kind of value was meant."""

import difflib
import inspect
import re
from collections.abc import Sequence
from importlib import import_module

from lightning.pytorch import Trainer

import lightning_snn
from lightning_snn.core.config import all_arguments, class_at
from lightning_snn.core.upgrade_inhibition import INHIBITION, MOVED, NEURON

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


def unknown_key(key: str) -> str:
    """What to say of a key that no recipe has.

    >>> unknown_key("loger")
    'there is no key loger (did you mean logger?)'
    """
    group, _, name = key.rpartition(".")
    close = _close(name, KEYS.get(group, []))
    return f"there is no key {key}" + (f" (did you mean {f'{group}.{close}'.lstrip('.')}?)" if close else "")


def _is_another_kind(cause: str) -> bool:
    """Whether a cause only says that something else was expected."""
    other = r"Expected '[\w.]+' to be a subclass|Import path [\w.]+ does not correspond"
    return bool(re.match(other, cause))


def plain(causes: Sequence[str], message: str) -> str:
    """The words of jsonargparse for a cause in the user's.

    Args:
        causes: The lines of a message that are causes, one for each kind that was tried.
        message: All of it.
    """
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
        return _unknown_class(path[1], _of_the_kind(message))
    if module := re.match(r"No module named '([\w.]+)'", cause):
        return f"there is no module {module[1]!r}, neither installed nor in this folder"
    if attribute := re.match(r"module '([\w.]+)' has no attribute '(\w+)'", cause):
        if attribute[1] == lightning_snn.__name__:
            return _unknown_class(f"{attribute[1]}.{attribute[2]}", _of_the_kind(message))
        return _unknown_in(attribute[1], attribute[2])
    return cause


def _unknown_option(name: str, class_path: str) -> str:
    module, _, class_name = class_path.rpartition(".")
    cls = getattr(import_module(module), class_name)
    own = inspect.signature(cls).parameters
    passed_on = any(p.kind is p.VAR_KEYWORD for p in own.values())
    parameters = list(all_arguments(cls) if passed_on else own)
    if (class_path, name) == (NEURON, INHIBITION):
        return MOVED
    close = _close(name, parameters)
    hint = f" (did you mean {close}?)" if close else ""
    return f"{class_name} has no argument {name!r}{hint}; it has {', '.join(parameters)}"


def _unknown_class(path: str, kind: Sequence[str] = ()) -> str:
    """What to say of a class that there is not, where one of a ``kind`` was asked for; empty: any."""
    close = _close(path.rpartition(".")[2], kind or lightning_snn.__all__)
    hint = f" (did you mean lightning_snn.{close}?)" if close else ""
    known = f"; there are {', '.join(kind)}" if kind else ""
    return f"there is no class {path!r}{hint}{known}"


def _unknown_in(module: str, name: str) -> str:
    """What to say of a class that a module, such as the user's own, does not have."""
    classes = {key: one for key, one in vars(import_module(module)).items() if isinstance(one, type)}
    close = _close(name, list(classes))
    hint = f" (did you mean {module}.{close}?)" if close else ""
    own = [key for key, one in classes.items() if one.__module__ == module]
    known = f"; it has {', '.join(own)}" if own else ""
    return f"{module} has no class {name!r}{hint}{known}"


def _of_the_kind(message: str) -> list[str]:
    """The public classes of the kind that was asked for, where the parser's message names one of ours."""
    innermost = message.rpartition("Parser key ")[2]  # with the kinds of what was to stand under that key
    kinds = re.findall(r"lightning_snn\.[\w.]+", "".join(re.findall(r"Subtypes: \[(.*)\]", innermost)))
    kind = class_at(kinds[-1]) if kinds else None
    public = {name: getattr(lightning_snn, name) for name in lightning_snn.__all__} if kind else {}
    return [
        name
        for name, one in public.items()
        if isinstance(one, type) and issubclass(one, kind or object) and not inspect.isabstract(one)
    ]


def _close(given: str, known: Sequence[str]) -> str:
    """The name most like the one that was given, whatever the case; empty where none is like it."""
    lower = {name.lower(): name for name in known}
    return next((lower[name] for name in difflib.get_close_matches(given.lower(), lower, n=1)), "")
