"""Neurons that send the same to all others, over time, in pure PyTorch."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from lightning_snn.ops.sequence import check_batch, check_inputs, check_part, steps_of

State = TypeVar("State")


def uniform_scan(
    step: Callable[..., tuple[Tensor, State]],
    current: Tensor,
    state: State,
    spikes: Tensor,
    strength: float,
    target: str | None = None,
    **others: Tensor,
) -> tuple[Tensor, State]:
    """Apply ``step`` to inputs to which every neuron that fired one step before adds, but not to its own.

    Gradients pass through the spikes that are sent.

    Args:
        step: ``(current [B, N], state, **others) -> (spikes [B, N], state)``.
        current: Outer input of each step ``[T, B, N]``, T at least 1.
        state: State before the first step.
        spikes: Spikes ``[B, N]`` of the step before the first.
        strength: What a spike adds to the input of every other neuron.
        target: Name of the further input that it adds to; by default the current.
        **others: Further inputs of each step by name, each ``[T, B, N]``.

    Returns:
        Spikes ``[T, B, N]`` and the state after the last step.

    Raises:
        ValueError: if state, spikes or an input are not of the B and N of ``current``.
    """
    check_batch(current, state)
    check_inputs(current, others)
    check_part("spikes", spikes, current.shape[1:], like=current)
    history = []
    for step_current, rows in steps_of(current, others):
        sent = strength * (spikes.sum(1, keepdim=True) - spikes)
        if target is None:
            step_current = step_current + sent
        else:
            rows[target] = rows[target] + sent if target in rows else sent
        spikes, state = step(step_current, state, **rows)
        history.append(spikes)
    return torch.stack(history), state
