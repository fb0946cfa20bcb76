"""How the command line reads YAML: null at any depth, each key once, one configuration over another."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ActionConfigFile, Namespace, get_loader, set_loader  # type: ignore[attr-defined]
from lightning.pytorch.cli import LightningArgumentParser

from lightning_snn.cli.wording import KEYS, unknown_key
from lightning_snn.core.upgrade import upgraded

_MODE = "recipe"


class RecipeParser(LightningArgumentParser):
    """Lightning's parser, with values read by `read_yaml` and files of options merged by `merged`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"parser_mode": _MODE})

    def add_argument(self, *args: Any, **kwargs: Any) -> Any:
        """As in the base class."""
        if kwargs.get("action") is ActionConfigFile:
            kwargs["action"] = MergedConfigFile
        return super().add_argument(*args, **kwargs)


class MergedConfigFile(ActionConfigFile):
    """``--config``: a later file adds to the dictionaries of an earlier one, as it does to its classes."""

    @staticmethod
    def apply_config(parser: Any, cfg: Namespace, dest: str, value: str) -> None:
        """Put a file's values into ``cfg``.

        Raises:
            ValueError: if the file holds no mapping, or a key that the parser has not.
        """
        check_file(value, {action.dest.split(".")[0] for action in parser._actions})
        before = cfg.clone()
        ActionConfigFile.apply_config(parser, cfg, dest, value)
        merged(before, cfg)


def check_file(path: str, known: Collection[str]) -> None:
    """Raise ``ValueError`` unless a file is YAML with these keys at the top; the parser drops ``key: {}``."""
    try:
        found = read_yaml(Path(path).read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text (UTF-8)") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} must hold keys with values (model:, data:, ...), got {str(found)[:60]}")
    unknown = [str(key) for key in found if key not in known]
    for group in {"trainer", "self_organization"} & found.keys():
        if not isinstance(found[group], dict):
            raise ValueError(f"{path}: {group} must hold arguments by name, got {found[group]!r}")
        unknown += [f"{group}.{key}" for key in found[group] if key not in KEYS[group]]
    if unknown:
        raise ValueError(f"{path}: {unknown_key(unknown[0])}")


def merged(old: Any, new: Any) -> Any:
    """``new``, with the entries of ``old`` that its dictionaries lack; a namespace is changed in place.

    >>> merged({"retina": 1, "lgn": {"a": 1}}, {"lgn": {"b": 2}})
    {'retina': 1, 'lgn': {'a': 1, 'b': 2}}
    """
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {key: merged(old.get(key), value) for key, value in new.items()}
    both_classes = isinstance(old, Namespace) and isinstance(new, Namespace)
    if both_classes and old.get("class_path") == new.get("class_path"):
        for key, value in vars(new).items():
            vars(new)[key] = merged(vars(old).get(key), value)
    return new


def read_yaml(text: str) -> Any:
    """The value of a text in YAML; ``None`` is null, as jsonargparse hands a nested null on as that word.

    Raises:
        YAMLError: if the text is no YAML, or holds a key twice.

    >>> read_yaml("{lateral: None, side: 28.0}")
    {'lateral': None, 'side': 28.0}
    """
    for key, line in _repeated(yaml.compose(text, Loader=yaml.SafeLoader)):
        raise yaml.YAMLError(f"the key {key!r} in line {line} stands there a second time")
    return upgraded(_with_nulls(get_loader("yaml")(text)))


def _with_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_nulls(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_nulls(item) for item in value]
    return None if value == "None" else value


def _repeated(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Keys that their mapping holds already, and the line (from 1) of the second."""
    parts = node.value if isinstance(node, yaml.MappingNode | yaml.SequenceNode) else []
    known = set()
    for part in parts:
        key, value = part if isinstance(part, tuple) else (None, part)
        if key is not None and key.value in known:
            yield key.value, key.start_mark.line + 1
        if isinstance(key, yaml.ScalarNode):
            known.add(key.value)
        yield from _repeated(value)


set_loader(_MODE, read_yaml, (yaml.YAMLError,))
