"""Charges and currents: what a weight without kinetics delivers, whatever the step.

A charge of 1 is a current of 1 held for 1 ms. What arrives in a step of ``dt`` ms is the current
``charge / dt`` held over that step; at ``dt = 1`` nothing is divided.
"""

from typing import TypeVar

from torch import Tensor

Amount = TypeVar("Amount", float, Tensor)


def current_of(charge: Amount, dt: float) -> Amount:
    """The current that delivers ``charge`` in one step of ``dt`` ms.

    >>> import torch
    >>> current_of(torch.tensor([2.0]), 0.5)
    tensor([4.])
    """
    return charge if dt == 1 else charge / dt


def charge_of(current: Amount, dt: float) -> Amount:
    """What a ``current`` held over one step of ``dt`` ms delivers.

    >>> import torch
    >>> charge_of(torch.tensor([4.0]), 0.5)
    tensor([2.])
    """
    return current if dt == 1 else current * dt
