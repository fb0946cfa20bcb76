"""Settings of a run that goes on: the same as those that it began with."""

from collections.abc import Collection, Mapping
from typing import Any

from lightning_snn.core.config import all_defaults, class_at, dotted, entries, public_path, to_config

DT = 1.0
"""Step in ms of a network that is given none."""

_STEPS = (".neuron.dt", ".rule.dt")


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
    """Plain values by the dotted keys that a user writes; a step that is not given is what it comes to.

    A delay of 0 is none.
    """
    found = {dotted(path): value for path, value in entries(settings) if not _has_keys(value)}
    steps = [value for key, value in found.items() if value and (key == "dt" or key.endswith(".neuron.dt"))]
    shared = {key: next(iter(steps), DT) for key in found if key == "dt" or key.endswith(_STEPS)}
    none = {key: None for key, value in found.items() if key.endswith(".delay") and value == 0}
    return found | none | {key: value for key, value in shared.items() if found[key] is None}


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
    cls = class_at(str(found.get("class_path"))) if set(found) <= {"class_path", "init_args"} else None
    if cls is not None:
        plain = {key: _completed(_plain(default)) for key, default in all_defaults(cls).items()}
        found = {"class_path": public_path(cls), "init_args": plain | found.get("init_args", {})}
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
