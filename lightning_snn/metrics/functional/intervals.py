"""Intervals between the spikes of a neuron, and how irregular they are."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.metrics.functional.activity import check_binary
from lightning_snn.metrics.functional.moments import Moments

NEVER = -(2**62)
"""The step of the last spike of a neuron that has not spiked yet."""


class Intervals(NamedTuple):
    """Intervals in the order of sample, neuron and time.

    Args:
        steps: Their lengths in steps ``[M]``, int64.
        neuron: The neuron of each ``[M]``.
        last: Step of the last spike of every neuron ``[B, N]``, counted from the step after the end; `NEVER`.
    """

    steps: Tensor
    neuron: Tensor
    last: Tensor


def interspike_intervals(spikes: Tensor, *, dt: float = 1.0) -> Tensor:
    """Times between successive spikes of the same neuron in the same sample.

    Args:
        spikes: ``[T, B, N]`` or maps ``[T, B, C, H, W]``, in {0, 1}.
        dt: Step in ms.

    Returns:
        ``[M]`` in ms, in the order of sample, neuron and time.

    Raises:
        ValueError: if ``spikes`` has another rank, an empty dimension or other values, or ``dt`` is not
            positive.

    >>> spikes = torch.tensor([1.0, 0.0, 1.0, 1.0]).view(4, 1, 1)
    >>> interspike_intervals(spikes, dt=0.5)
    tensor([1.0000, 0.5000])
    """
    checks.positive("dt", dt)
    return intervals_of(spikes).steps * dt


def interval_cv(spikes: Tensor, *, least: int = 3) -> Tensor:
    """Coefficient of variation of each neuron's interspike intervals: standard deviation over mean.

    1 for a Poisson process, 0 for a clock. The variance is over the number of intervals minus 1, and the
    intervals of all samples count together. The step has no part in it.

    Args:
        spikes: ``[T, B, N]`` or maps ``[T, B, C, H, W]``, in {0, 1}.
        least: A neuron needs as many intervals.

    Returns:
        ``[N]``; nan for a neuron with fewer intervals.

    Raises:
        ValueError: if ``spikes`` has another rank, an empty dimension or other values, or ``least`` is not a
            whole number above 1.

    Source: Gabbiani and Koch, in Methods in Neuronal Modeling (1998), chapter 9.

    >>> interval_cv(torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]).view(7, 1, 1))
    tensor([0.])
    """
    check_least(least)
    found = intervals_of(spikes)
    return cv_of(Moments.of(found.steps, found.neuron, found.last.shape[1]), least)


def intervals_of(spikes: Tensor, last: Tensor | None = None) -> Intervals:
    """Intervals that end in ``spikes``; ``last`` ``[B, N]`` is that of the `Intervals` before them."""
    spikes = check_binary(spikes).flatten(2)
    steps, samples, neurons = spikes.shape
    sample, neuron, step = spikes.permute(1, 2, 0).nonzero().unbind(1)
    row = sample * neurons + neuron
    before = torch.full((samples * neurons,), NEVER) if last is None else last.flatten()
    before = before.to(row.device)
    first = torch.ones_like(row, dtype=torch.bool)
    first[1:] = row[1:] != row[:-1]
    previous = torch.where(first, before[row], step.roll(1))
    known = previous > NEVER
    newest = torch.where(before > NEVER, before - steps, NEVER)
    final = first.roll(-1)
    newest[row[final]] = step[final] - steps
    return Intervals((step - previous)[known], neuron[known], newest.view(samples, neurons))


def cv_of(moments: Moments, least: int) -> Tensor:
    """Coefficient of variation ``[N]``, float32; nan with fewer than ``least`` values."""
    ratio = moments.variance().sqrt() / moments.mean()
    return torch.where(moments.number >= least, ratio, torch.nan).float()


def check_least(least: int) -> None:
    """Raise ``ValueError`` unless ``least`` is a whole number above 1."""
    checks.count("least", least)
    if least < 2:
        raise ValueError(f"least must be at least 2, as one interval does not vary, got {least}")
