"""Checks of what a checkpoint holds."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor


def check_same_network(theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> None:
    """Raise ``ValueError`` unless two ``state_dict``s have the same names and shapes."""
    for name in sorted(theirs.keys() | ours.keys()):
        there, here = (list(d[name].shape) if name in d else "absent" for d in (theirs, ours))
        if there != here:
            raise ValueError(
                f"the checkpoint is of another network: its {name} is {there}, here it is {here}"
            )


def check_checkpoint_file(path: str) -> None:
    """Raise ``ValueError`` unless ``path`` is a whole checkpoint of a LightningModule."""
    if not Path(path).is_file():
        raise ValueError(f"ckpt_path: there is no file {path}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(f"ckpt_path: {path} is no checkpoint, or only a part of one") from error
    if not isinstance(content, dict) or not {"state_dict", "pytorch-lightning_version"} <= content.keys():
        raise ValueError(f"ckpt_path: {path} is not a checkpoint of Lightning")
