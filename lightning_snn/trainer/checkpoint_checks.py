"""Whether a checkpoint fits the network that is to take it, and a run can go on from it."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor


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
