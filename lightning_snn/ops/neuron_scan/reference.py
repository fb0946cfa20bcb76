"""A population of neurons over time, in pure PyTorch."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from lightning_snn.ops.sequence import check_batch, check_inputs, steps_of

State = TypeVar("State")


def neuron_scan(
    step: Callable[..., tuple[Tensor, State]], current: Tensor, state: State, **others: Tensor
) -> tuple[Tensor, State]:
    """Apply ``step`` to each time step of ``current`` ``[T, B, N]``.

    Args:
        step: ``(current [B, N], state, **others) -> (spikes [B, N], state)``.
        current: Input of each step, T at least 1.
        state: State before the first step.
        **others: Further inputs of each step by name, each ``[T, B, N]``.

    Returns:
        Spikes ``[T, B, N]`` and the state after the last step.

    Raises:
        ValueError: if the state or an input is not of the B and N of ``current``.
    """
    check_batch(current, state)
    check_inputs(current, others)
    spikes = []
    for step_current, rows in steps_of(current, others):
        step_spikes, state = step(step_current, state, **rows)
        spikes.append(step_spikes)
    return torch.stack(spikes), state
