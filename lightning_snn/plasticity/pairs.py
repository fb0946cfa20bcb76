"""What rules that sum pairs of spikes over a chunk share: bounds, delays, first weights, sums of streams."""

from collections.abc import Sequence
from functools import reduce
from typing import Literal

import torch
from torch import Tensor

from lightning_snn import checks
from lightning_snn.delay import rounded, steps_in
from lightning_snn.ops.stdp_window import Pairing
from lightning_snn.plasticity.rule import Activity, LearningRule
from lightning_snn.plasticity.streams import Streams

Bounds = Literal["hard", "soft"]
Reduction = Literal["mean", "sum"]


def bounded(weight: Tensor, gain: Tensor, loss: Tensor, *, w_max: float, bounds: Bounds) -> Tensor:
    """Weights after a chunk of potentiation and depression.

        hard:   dw = w_max (gain - loss), kept in [0, w_max]
        soft:   dw/ds = gain (w_max - w) - loss w, for s from 0 to 1, solved exactly:
                w <- w_inf + (w - w_inf) exp(-(gain + loss)),  w_inf = w_max gain / (gain + loss)

    Soft bounds cannot act on the net change; solved like this they are not overshot, however long
    a chunk is.

    Args:
        weight: Weights ``[K, F]`` in [0, w_max].
        gain: Potentiation ``[K, F]``, 0 or above.
        loss: Depression ``[K, F]``, 0 or above.
        w_max: Upper bound.
        bounds: Which of the two.

    Source: hard: Song, Miller and Abbott, Nat. Neurosci. 3 (2000); soft: van Rossum, Bi and Turrigiano,
    J. Neurosci. 20 (2000), Guetig et al., J. Neurosci. 23 (2003) with mu = 1.
    """
    if bounds == "hard":
        return (weight + w_max * (gain - loss)).clamp(0, w_max)
    total = gain + loss
    end = w_max * gain / torch.where(total > 0, total, 1.0)
    return (end + (weight - end) * torch.exp(-total)).clamp(0, w_max)


def add_streams(values: Tensor, streams: Streams, reduction: Reduction) -> Tensor:
    """The sum or mean ``[...]`` over the streams of all processes, added in their order.

    Args:
        values: The sums of each stream (or row) of this process ``[count, ...]``.
        streams: Exchanges them between processes.
        reduction: ``sum``, or ``mean`` over streams.
    """
    parts = streams.gather(values).unbind(0)
    total = reduce(torch.add, parts)
    return total / len(parts) if reduction == "mean" else total


def spikes_of_streams(wins: Tensor, num_streams: int) -> Tensor:
    """Spikes of each unit ``[S, K]`` from those in each row ``[R, K]``, the places of a stream in a row."""
    return wins.reshape(num_streams, -1, wins.shape[-1]).sum(1)


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


def uniform(
    num_pre: int, num_post: int, low_and_high: tuple[float, float], generator: torch.Generator
) -> Tensor:
    """Weights ``[num_post, num_pre]`` drawn evenly between two values."""
    low, high = low_and_high
    return low + (high - low) * torch.rand(num_post, num_pre, generator=generator)


def check_values(activity: Activity, rule: LearningRule, pairing: Pairing) -> None:
    """Raise ``ValueError`` unless spikes are 0 or above, or 0 or 1 where only the ``nearest`` one counts."""
    if pairing == "nearest":
        activity.require_spikes(rule)
    else:
        activity.require_graded(rule)


def check_range(name: str, values: tuple[float, float], low: float, high: float) -> None:
    """Raise ``ValueError`` unless ``values`` are two in ascending order between ``low`` and ``high``."""
    two = isinstance(values, Sequence) and len(values) == 2
    if not two or not low <= values[0] <= values[1] <= high:
        given = list(values) if two else values
        raise ValueError(f"{name} must be two ascending numbers between {low} and {high}, got {given}")
