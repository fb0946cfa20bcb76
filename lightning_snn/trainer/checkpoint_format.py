"""What a checkpoint of ours holds, and how older formats become the present one.

Format 1 (version 0.1.0, no stamp): classes by the files that held them; random numbers from a seed of 0 in
every part that had none of its own.
Format 2: a stamp with format and version, classes by their public paths, one seed of the network.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from lightning_snn.core.random import PLAIN
from lightning_snn.core.version import package_version

FORMAT = 2
"""Of the checkpoints that this package writes."""

STAMP = "lightning_snn"
"""Key under which a checkpoint says who wrote it."""

SETTINGS = "hyper_parameters"
"""Key under which Lightning keeps a module's hyperparameters."""


def stamp() -> dict[str, Any]:
    """Format and version of what is written now."""
    return {"format": FORMAT, "version": package_version()}


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
        if package.split(".")[0] == STAMP and hasattr(import_module(STAMP), name):
            found[key] = f"{STAMP}.{name}"
    return found
