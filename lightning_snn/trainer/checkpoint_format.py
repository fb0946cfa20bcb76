"""What a checkpoint of ours holds, and how older formats become the present one.

Format 1 (version 0.1.0, no stamp): classes by the files that held them; random numbers from a seed of 0 in
every part that had none of its own.
Format 2: a stamp with format and version, classes by their public paths, one seed of the network.
Format 3: an argument of layers has another name (`lightning_snn.core.upgrade`).
Format 4: a network of layers and connections, where there was a stack of layers that owned their projections
(`lightning_snn.trainer.stacked`).
Format 5: weights are charges, delays the whole time that a spike takes (`lightning_snn.trainer.retimed`), a
coincidence counts half on both sides (`lightning_snn.core.upgrade_rules`).
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lightning_snn.core.random import PLAIN
from lightning_snn.core.upgrade import upgraded
from lightning_snn.core.upgrade_inhibition import DEFAULT
from lightning_snn.core.upgrade_rules import as_they_learned
from lightning_snn.core.version import package_version
from lightning_snn.trainer.retimed import retimed, step_of
from lightning_snn.trainer.stacked import connected, without_streams

FORMAT = 5
"""Of the checkpoints that this package writes."""

STAMP = "lightning_snn"
"""Key under which a checkpoint says who wrote it."""

_FILLED_IN: dict[str, Any] = {
    "encoder": {"class_path": "lightning_snn.ConstantCurrent", "init_args": {}},
    "controls": [],
}
"""Arguments of a classifier that older formats wrote where none was given, which is None now."""

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
    if written["format"] == FORMAT:
        return False
    settings = checkpoint.get(SETTINGS)
    if settings:
        present = upgraded(dict(settings), inhibition=DEFAULT if written["format"] < 4 else 0.0)
        present = as_they_learned(retimed(present), dt=step_of(present))
        settings.clear()
        settings.update(present)
        settings.update({name: None for name, value in _FILLED_IN.items() if settings.get(name) == value})
        if written["format"] == 1 and "layers" in settings:
            settings.setdefault("seed", "plain")
            state = {"stack.seed": torch.tensor(PLAIN), **state}
    if written["format"] < 4:
        state = connected(state)
    checkpoint["state_dict"] = state
    phase = checkpoint.get("callbacks", {}).get("SelfOrganization")
    if phase is not None and written["format"] < 4:
        without_streams(phase)
    checkpoint[STAMP] = {"version": "0.1.0", **written, "format": FORMAT}
    return True
