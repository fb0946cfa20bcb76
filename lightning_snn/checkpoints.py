"""What a checkpoint of ours holds, how older formats become the present one, and what it is checked for.

Format 1 (version 0.1.0, no stamp): classes by the files that held them; random numbers from a seed of 0 in
every part that had none of its own.
Format 2: a stamp with format and version, classes by their public paths, one seed of the network.
"""

import io
import sys
import zipfile
from collections.abc import Collection, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from inspect import Parameter, signature
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from lightning_snn.config import dotted, entries, public_path, to_config
from lightning_snn.core.random import PLAIN

FORMAT = 2
"""Of the checkpoints that this package writes."""

STAMP = "lightning_snn"
"""Key under which a checkpoint says who wrote it."""

SETTINGS = "hyper_parameters"
"""Key under which Lightning keeps a module's hyperparameters."""


def stamp() -> dict[str, Any]:
    """Format and version of what is written now."""
    try:
        return {"format": FORMAT, "version": version("lightning-snn")}
    except PackageNotFoundError:  # run from its sources
        return {"format": FORMAT, "version": "unknown"}


def translate(checkpoint: dict[str, Any]) -> bool:
    """Bring a checkpoint of an older format to the present one, in place; a present one stays as it is.

    Returns:
        Whether it was of an older format.

    Raises:
        ValueError: if it is of a newer format, or not what Lightning saves of a module.
    """
    state = checkpoint.get("state_dict")
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError("the checkpoint holds no tensors by name (state_dict)")
    written = checkpoint.get(STAMP, {"format": 1})
    if not isinstance(written, Mapping) or not isinstance(written.get("format"), int):
        raise ValueError(f"the checkpoint does not say its format ({STAMP}.format must be a whole number)")
    if written["format"] > FORMAT:
        raise ValueError(
            f"the checkpoint is of format {written['format']} (lightning-snn {written.get('version')}), and "
            f"this version reads formats up to {FORMAT}: install a newer lightning-snn"
        )
    settings = checkpoint.get(SETTINGS)
    older = written["format"] < FORMAT
    if older and settings and "layers" in settings:
        settings.update(_with_public_paths(settings))
        settings.setdefault("seed", "plain")
        checkpoint["state_dict"] = {"stack.seed": torch.tensor(PLAIN), **state}
        checkpoint[STAMP] = {"format": FORMAT, "version": "0.1.0"}
    return bool(older)


def _with_public_paths(value: Any) -> Any:
    """Classes of this package by their public paths, at any depth."""
    if isinstance(value, list):
        return [_with_public_paths(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _with_public_paths(item) for key, item in value.items()}
    for key in {"class_path", "_class_path"} & found.keys():
        package, _, name = found[key].rpartition(".")
        if package.split(".")[0] == __package__ and hasattr(import_module(__package__), name):
            found[key] = f"{__package__}.{name}"
    return found


def read(path: str) -> dict[str, Any]:
    """A checkpoint of a classifier in the present format, its tensors on the CPU.

    Raises:
        ValueError: if the file is missing, damaged, no checkpoint of a classifier, or of a newer format.
    """
    try:
        if not Path(path).is_file():
            raise ValueError(f"there is no file {path}")
        return _content(path)[0]
    except ValueError as error:
        raise ValueError(f"ckpt_path: {error}") from error


def opened(path: Any, *, weights_only: bool) -> tuple[Any, Any]:
    """A checkpoint for Lightning to read, and the class that wrote it, None where it is not imported.

    The first is ``path``, or where the file is of an older format, a file in memory with the translated one.

    Raises:
        ValueError: as `read`; what is not a path to a file is left to Lightning.
    """
    if not isinstance(path, str | Path) or not Path(path).is_file():
        return path, None
    content, translated = _content(path, weights_only=weights_only)
    package, _, name = content[SETTINGS]["_class_path"].rpartition(".")
    written_by = getattr(sys.modules.get(package), name, None)
    if not translated:
        return path, written_by
    memory = io.BytesIO()
    torch.save(content, memory)
    memory.seek(0)
    return memory, written_by


def _content(path: str | Path, *, weights_only: bool = True) -> tuple[dict[str, Any], bool]:
    """A checkpoint of a classifier in the present format, and whether it was translated."""
    check_whole(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=weights_only, mmap=True)
    except UnpicklingError as error:
        raise ValueError(
            f"{path} holds more than tensors and plain values: load_from_checkpoint(weights_only=False) "
            "runs what is in it, so give that for files only that you trust"
        ) from error
    except Exception as error:
        raise ValueError(f"{path} is no checkpoint, or only a part of one") from error
    if not isinstance(content, dict) or not {"state_dict", "pytorch-lightning_version"} <= content.keys():
        raise ValueError(f"{path} is not a checkpoint of Lightning")
    if "_class_path" not in content.get(SETTINGS, {}):
        raise ValueError(f"{path} is not a checkpoint of a SpikingClassifier")
    try:
        return content, translate(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def check_whole(path: str | Path) -> None:
    """Raise ``ValueError`` unless every byte of a checkpoint is as it was written.

    A checkpoint is a zip archive whose records carry checksums (CRC32); torch does not look at them.
    """
    with open(path, "rb") as file:
        try:
            damaged = zipfile.ZipFile(file).testzip()
        except Exception as error:
            raise ValueError(f"{path} is damaged, or only a part of a checkpoint") from error
    if damaged is not None:
        raise ValueError(f"{path} is damaged: the checksum of its record {damaged} is another one")


def check_same_network(theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> None:
    """Raise ``ValueError`` unless two ``state_dict``s have the same names and shapes."""
    for name in sorted(theirs.keys() | ours.keys()):
        there, here = (list(d[name].shape) if name in d else "absent" for d in (theirs, ours))
        if there != here:
            raise ValueError(
                f"the checkpoint is of another network: its {name} is {there}, here it is {here}"
            )


def check_finite(state: Mapping[str, Tensor]) -> None:
    """Raise ``ValueError`` if a tensor holds values that are not finite."""
    for name, value in state.items():
        if value.is_floating_point() and not value.isfinite().all():
            raise ValueError(f"the checkpoint is damaged: its {name} holds values that are not finite")


def check_can_resume(checkpoint: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` if a run cannot go on from a checkpoint."""
    missing = [key for key in ("optimizer_states", "lr_schedulers", "loops") if key not in checkpoint]
    missing += ["optimizer_states"] if checkpoint.get("optimizer_states") == [] else []
    if missing:
        raise ValueError(
            f"the checkpoint holds no {', '.join(missing)}, so no run can go on from it (saved with "
            "save_weights_only?); test and predict can use it"
        )


def check_same_settings(
    theirs: Mapping[str, Any], ours: Mapping[str, Any], *, of: str, free: Collection[str]
) -> None:
    """Raise ``ValueError`` unless a run goes on with the settings that it began with.

    Args:
        theirs: Hyperparameters in the checkpoint.
        ours: Hyperparameters now.
        of: What they are of, ``model`` or ``data``.
        free: Those that a run that goes on may change.
    """
    there, here = (_values(_completed(_as_class(settings))) for settings in (theirs, ours))
    changed = [key for key in {**there, **here} if there.get(key) != here.get(key) and key not in free]
    if changed:
        named = [f"{of}.{key}: {there.get(key)!r} there, {here.get(key)!r} here" for key in changed[:5]]
        more = f" (and {len(changed) - 5} more)" if len(changed) > 5 else ""
        raise ValueError(
            "a run goes on with the settings that it began with, but the checkpoint has others: "
            f"{'; '.join(named)}{more}. Give the same, or start anew without ckpt_path"
        )


def _values(settings: Any) -> dict[str, Any]:
    """Plain values by the dotted keys that a user writes."""
    return {dotted(path): value for path, value in entries(settings) if not _has_keys(value)}


def _has_keys(value: Any) -> bool:
    """Whether a value is a dictionary, or a list of nothing else."""
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
    )


def _as_class(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Hyperparameters of a module, which hold its class beside its arguments, in the form of a class."""
    if "_class_path" not in settings:
        return dict(settings)
    arguments = {key: value for key, value in settings.items() if not key.startswith("_")}
    return {"class_path": settings["_class_path"], "init_args": arguments}


def _completed(value: Any) -> Any:
    """With the defaults of all arguments that a class was not given."""
    if isinstance(value, list):
        return [_completed(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _completed(item) for key, item in value.items()}
    cls = _class_at(str(found.get("class_path"))) if set(found) <= {"class_path", "init_args"} else None
    if cls is not None:
        plain = {key: _completed(_plain(default)) for key, default in _defaults(cls).items()}
        found = {"class_path": public_path(cls), "init_args": plain | found.get("init_args", {})}
    return found


def _class_at(path: str) -> type | None:
    """The class at a path; None where nothing can be imported, such as a class inside a function."""
    package, _, name = path.rpartition(".")
    try:
        return getattr(import_module(package), name, None)
    except (ImportError, ValueError):
        return None


def _defaults(cls: type) -> dict[str, Any]:
    """The defaults of all arguments; those in ``*args`` and ``**kwargs`` are the next class's."""
    found: dict[str, Any] = {}
    for base in cls.__mro__:
        if "__init__" in vars(base):
            parameters = signature(base.__init__).parameters.values()  # type: ignore[misc]
            found = {p.name: p.default for p in parameters if p.default is not Parameter.empty} | found
            if not any(p.kind in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL) for p in parameters):
                break
    return found


def _plain(default: Any) -> Any:
    try:
        return to_config(default)
    except ValueError:
        return repr(default)


def take_seeds(config: Any, settings: Mapping[str, Any], root: int | str | None) -> None:
    """Put the seeds of ``settings`` into a configuration of the same form, in place.

    A seed that the configuration names stays, unless the run had one for all its parts (``--seed``).

    Args:
        config: Nested namespaces or dictionaries with ``class_path`` and ``init_args``.
        settings: Hyperparameters in a checkpoint.
        root: Seed of the network in the checkpoint.
    """
    items = config if isinstance(config, dict) else vars(config)
    for key, value in settings.items():
        if key == "seed" and "seed" in items and (value is None or isinstance(value, int | str)):
            if items[key] is None or value == root:
                items[key] = value
        elif isinstance(value, Mapping) and items.get(key) is not None and not isinstance(items[key], str):
            take_seeds(items[key], value, root)
