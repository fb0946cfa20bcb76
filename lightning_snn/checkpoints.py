"""Checks of what a checkpoint holds."""

from collections.abc import Mapping

from torch import Tensor


def check_same_network(theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> None:
    """Raise ``ValueError`` unless two ``state_dict``s have the same names and shapes."""
    for name in sorted(theirs.keys() | ours.keys()):
        there, here = (list(d[name].shape) if name in d else "absent" for d in (theirs, ours))
        if there != here:
            raise ValueError(
                f"the checkpoint is of another network: its {name} is {there}, here it is {here}"
            )
