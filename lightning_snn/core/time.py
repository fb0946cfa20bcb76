"""Time in steps of dt: how many, what decays in one, and spikes that travel."""

import math

import torch
from torch import Tensor

from lightning_snn.core import checks

LATE_DELAY = 1.0
"""Delay in ms of connections to the same or an earlier layer that are given none."""


def steps_in(time: float, dt: float) -> int | None:
    """Steps of ``dt`` ms in a time in ms; None where it is not a whole number of them.

    >>> steps_in(3.0, 0.5), steps_in(1.5, 1.0)
    (6, None)
    """
    steps = round(time / dt)
    return steps if abs(steps * dt - time) <= 1e-6 * dt else None


def mean_of_decay(tau: float, dt: float) -> float:
    """Mean over a step of ``dt`` ms of what is 1 at its start and decays with ``tau`` ms.

    >>> round(mean_of_decay(5.0, 1.0), 4), round(mean_of_decay(5.0, 1e-6), 4)
    (0.9063, 1.0)
    """
    return -math.expm1(-dt / tau) * tau / dt


def steps_of(time: Tensor, dt: Tensor) -> Tensor:
    """A time in ms in steps of ``dt`` ms, rounded up to whole ones.

    >>> steps_of(torch.tensor(2.1), torch.tensor(0.5))
    tensor(5.)
    """
    return torch.ceil(time / dt - 1e-6)


def rounded(time: float) -> float:
    """A time in ms; 0 where it only differs from that by rounding.

    >>> rounded(0.3 - 0.1 * 3), rounded(1e-9), rounded(0.1), rounded(-0.1)
    (0.0, 0.0, 0.1, -0.1)
    """
    return 0.0 if abs(time) <= 1e-9 else time


def checked_delay(delay: float | None) -> float | None:
    """A delay in ms that someone gave, `rounded`; None where none was given.

    Raises:
        ValueError: if it is negative or not finite.
    """
    if delay is None:
        return None
    checks.finite("delay", delay)
    delay = rounded(delay)
    checks.non_negative("delay", delay)
    return delay


def whole_steps(name: str, delay: float, dt: float) -> int:
    """A delay in ms as a number of steps of ``dt`` ms.

    Raises:
        ValueError: if it is not a whole number of them.

    >>> whole_steps("delay", 1.5, 1.0)
    Traceback (most recent call last):
    ValueError: delay must be a whole number of steps of dt = 1.0 ms, got 1.5 ms
    """
    steps = steps_in(delay, dt)
    if steps is None:
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
    line = torch.cat([on_the_way.transpose(0, 1), spikes.to(on_the_way.dtype)])
    return line[: len(spikes)], line[len(spikes) :].transpose(0, 1).clone(
        memory_format=torch.contiguous_format
    )


def within(lengths: Tensor, steps: int) -> Tensor:
    """Whether each of ``steps`` steps lies within its sample ``[T, B]``, of samples of these ``lengths``.

    >>> within(torch.tensor([1, 2]), 2)
    tensor([[ True,  True],
            [False,  True]])
    """
    inside: Tensor = torch.arange(steps, device=lengths.device)[:, None] < lengths
    return inside


def delay_steps(time: float, dt: float) -> int:
    """Steps of a delay in ms.

    Raises:
        ValueError: if ``time`` is negative or no whole multiple of ``dt``.
    """
    checks.finite("delay", time)
    time = rounded(time)
    steps = steps_in(time, dt)
    if steps is None or time < 0:
        raise ValueError(f"delay must be 0 ms or above and a whole multiple of dt = {dt} ms, got {time}")
    return steps
