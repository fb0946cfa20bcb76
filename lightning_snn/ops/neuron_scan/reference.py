"""A population of neurons over time, in pure PyTorch."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from lightning_snn.ops.sequence import check_batch

State = TypeVar("State")


def neuron_scan(
    step: Callable[[Tensor, State], tuple[Tensor, State]], current: Tensor, state: State
) -> tuple[Tensor, State]:
    """Apply ``step`` to each time step of ``current`` ``[T, B, N]``.

    Args:
        step: ``(current [B, N], state) -> (spikes [B, N], state)``.
        current: Input of each step, T at least 1.
        state: State before the first step.

    Returns:
        Spikes ``[T, B, N]`` and the state after the last step.

    Raises:
        ValueError: if the state is not of the B and N of ``current``.
    """
    check_batch(current, state)
    spikes = []
    for step_current in current.unbind(0):
        step_spikes, state = step(step_current, state)
        spikes.append(step_spikes)
    return torch.stack(spikes), state
