"""How far two spike trains are from each other."""

import math

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.ops.exponential_filter import exponential_filter


def van_rossum_distance(spikes: Tensor, target: Tensor, *, tau: float, dt: float = 1.0) -> Tensor:
    """Squared van Rossum distance of each neuron's train to its target.

    Both trains become traces that jump by 1 at a spike and decay with ``tau``, and

        D^2 = 1/tau int_0^inf (f(t) - g(t))^2 dt,

    exactly, also behind the last step: 1/2 for a spike more or less, 1 for one in another place far away.

    Args:
        spikes: ``[T, B, N]``, of any values.
        target: As ``spikes``.
        tau: Time constant in ms.
        dt: Step in ms.

    Returns:
        ``[B, N]``, with gradients.

    Raises:
        ValueError: if the shapes differ, or a time is not positive.

    Source: van Rossum, A novel spike distance, Neural Comput. 13 (2001), 751.

    >>> van_rossum_distance(torch.ones(1, 1, 1), torch.zeros(1, 1, 1), tau=10.0)
    tensor([[0.5000]])
    """
    checks.positive("tau", tau)
    checks.positive("dt", dt)
    _check_alike(spikes, target)
    decay = math.exp(-dt / tau)
    difference = _float(spikes) - _float(target)
    trace = exponential_filter(difference, torch.zeros_like(difference[0]), decay).square()
    return 0.5 * ((1 - decay**2) * trace.sum(0) + decay**2 * trace[-1])


def victor_purpura_distance(spikes: Tensor, target: Tensor, *, cost: float, dt: float = 1.0) -> Tensor:
    """Victor-Purpura distance of each neuron's train to its target: the cost of turning one into the other.

    To remove or to add a spike costs 1, to move it by a ms ``cost``. The distance is as well the largest

        sum_t f(t) (s(t) - target(t))    of all f with |f| <= 1 and |f(t) - f(u)| <= cost |t - u|,

    which also holds of graded trains; this f is the gradient. Where several are as large, that nearest to 0
    is taken: a missing spike draws spikes from as far away as moving them would pay, and no farther. Time and
    memory grow with ``1 / (cost dt)``.

    Args:
        spikes: ``[T, B, N]``, of any values.
        target: As ``spikes``.
        cost: Of moving a spike by a ms; 0 compares the numbers of spikes.
        dt: Step in ms.

    Returns:
        ``[B, N]``, with gradients.

    Raises:
        ValueError: if the shapes differ, the cost is negative or ``dt`` not positive.

    Source: Victor and Purpura, J. Neurophysiol. 76 (1996), 1310. The dual problem: Kantorovich and
    Rubinstein (1958), with spikes that may be left over.

    >>> trains = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])[..., None]
    >>> victor_purpura_distance(trains[:, :1], trains[:, 1:], cost=0.1)
    tensor([[0.2000]])
    """
    checks.non_negative("cost", cost)
    checks.positive("dt", dt)
    _check_alike(spikes, target)
    difference = _float(spikes) - _float(target)
    if cost == 0:
        return difference.sum(0).abs()
    return (_potential(difference.detach(), cost * dt) * difference).sum(0)


def _potential(difference: Tensor, step: float) -> Tensor:
    """The f ``[T, B, N]`` of `victor_purpura_distance`, which changes by at most ``step`` in a step.

    Forwards in time, V(f) is the largest sum so far of those that end at f. It is concave, and linear between
    points that are whole numbers of ``step`` away from -1 or from 1; its slopes are kept. Letting f move by
    ``step`` moves the rising part to the left and the falling one to the right. Backwards, each f is the best
    one within ``step`` of the next.
    """
    points, shift = _grid(step)
    points = points.to(difference)
    slopes = difference.new_zeros(len(points) - 1, *difference.shape[1:])
    low, high = torch.empty_like(difference), torch.empty_like(difference)
    for t, now in enumerate(difference):
        moved = torch.zeros_like(slopes)
        moved[:-shift] = slopes[shift:].clamp_min(0)
        moved[shift:] += slopes[:-shift].clamp_max(0)
        slopes = moved + now
        low[t], high[t] = points[(slopes > 0).sum(0)], points[(slopes >= 0).sum(0)]
    found = torch.empty_like(difference)
    least, most = torch.full_like(difference[0], -1.0), torch.full_like(difference[0], 1.0)
    for t in range(len(difference) - 1, -1, -1):
        near, far = low[t].clamp(least, most), high[t].clamp(least, most)
        found[t] = torch.zeros_like(near).clamp(near, far)
        least, most = found[t] - step, found[t] + step
    return found


def _grid(step: float) -> tuple[Tensor, int]:
    """Points of [-1, 1] whole numbers of ``step`` away from an end, and how many of them ``step`` is."""
    number = math.floor(2 / step + 1e-9)
    up = -1 + step * torch.arange(number + 1, dtype=torch.float64)
    if abs(2 / step - number) < 1e-9:
        return up.clamp_max(1), 1
    return torch.stack([up, -up.flip(0)], 1).flatten(), 2


def _float(trains: Tensor) -> Tensor:
    return trains.to(torch.promote_types(trains.dtype, torch.float32))


def _check_alike(spikes: Tensor, target: Tensor) -> None:
    if spikes.ndim != 3 or 0 in spikes.shape or spikes.shape != target.shape:
        raise ValueError(
            "spikes and target must be [T, B, N], alike and with no empty dimension, got shapes "
            f"{list(spikes.shape)} and {list(target.shape)}"
        )
