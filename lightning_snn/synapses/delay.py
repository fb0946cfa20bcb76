"""Spikes that travel: how many steps, and those that are on their way."""

import torch
from torch import Tensor


def whole_steps(name: str, delay: float, dt: float) -> int:
    """A delay in ms as a number of steps of ``dt`` ms.

    Raises:
        ValueError: if it is not a whole number of them.

    >>> whole_steps("delay", 1.5, 1.0)
    Traceback (most recent call last):
    ValueError: delay must be a whole number of steps of dt = 1.0 ms, got 1.5 ms
    """
    steps = round(delay / dt)
    if abs(delay / dt - steps) > 1e-6:
        raise ValueError(f"{name} must be a whole number of steps of dt = {dt} ms, got {delay} ms")
    return steps


def delayed(spikes: Tensor, on_the_way: Tensor) -> tuple[Tensor, Tensor]:
    """Spikes when they arrive.

    Args:
        spikes: Spikes as they are sent ``[T, B, N]``.
        on_the_way: Those of the D steps before, which have not arrived yet ``[B, D, N]``; D steps is the
            delay.

    Returns:
        Spikes as they arrive ``[T, B, N]``, and those on their way after the last step.

    >>> sent = torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1)
    >>> arrived, on_the_way = delayed(sent, torch.zeros(1, 2, 1))
    >>> arrived.flatten().tolist()
    [0.0, 0.0, 1.0]
    """
    line = torch.cat([on_the_way.transpose(0, 1), spikes])
    return line[: len(spikes)], line[len(spikes) :].transpose(0, 1).contiguous()
