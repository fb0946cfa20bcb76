"""A sheet of laterally coupled neurons over time, in pure PyTorch."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from lightning_snn.ops.event_sum import event_sum
from lightning_snn.ops.sequence import check_batch, check_coupling, check_inputs, steps_of

State = TypeVar("State")


def sheet_scan(
    step: Callable[..., tuple[Tensor, State]],
    current: Tensor,
    state: State,
    spikes: Tensor,
    coupling: Tensor,
    **others: Tensor,
) -> tuple[Tensor, State]:
    """Apply ``step`` to ``current`` plus what the nodes that fired one step before send.

    Args:
        step: ``(current [B, N], state, **others) -> (spikes [B, N], state)``.
        current: Outer input of each step ``[T, B, N]``, T at least 1.
        state: State before the first step.
        spikes: Spikes ``[B, N]`` of the step before the first.
        coupling: Row j ``[N]`` is what a spike of node j adds to the input of each node.
        **others: Further inputs of each step by name, each ``[T, B, N]``.

    Returns:
        Spikes ``[T, B, N]`` and the state after the last step.

    Raises:
        ValueError: if state, spikes, coupling or an input are not of the B and N of ``current``.
    """
    check_batch(current, state)
    check_inputs(current, others)
    check_coupling(spikes, coupling, current)
    history = []
    for step_current, rows in steps_of(current, others):
        spikes, state = step(step_current + event_sum(spikes, coupling), state, **rows)
        history.append(spikes)
    return torch.stack(history), state
