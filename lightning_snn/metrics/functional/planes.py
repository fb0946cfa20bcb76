"""Planes fitted to the times at which activity reached places, many at once."""

from typing import NamedTuple

import torch
from torch import Tensor


class Planes(NamedTuple):
    """Fits of G groups.

    Args:
        slope: Gradient of the time over x and y ``[G, 2]``, in ms per unit of length; nan where the places
            of a group lie on a line.
        fit: Share of the variance of the times that the plane explains ``[G]``, R squared; nan where all are
            equal.
        number: Places of each group ``[G]``.
    """

    slope: Tensor
    fit: Tensor
    number: Tensor


def fit_planes(place: Tensor, time: Tensor, group: Tensor, num_groups: int) -> Planes:
    """Least-squares planes ``time = a + slope . place``.

    Args:
        place: Places ``[M, 2]``.
        time: Times ``[M]``.
        group: The group of each ``[M]``.
        num_groups: Number of groups G.
    """
    values = torch.cat([place, time[:, None]], 1).double()
    count = torch.bincount(group, minlength=num_groups).double()
    total = values.new_zeros(num_groups, 3).index_add_(0, group, values)
    centred = values - (total / count[:, None])[group]
    products = (centred[:, :, None] * centred[:, None]).flatten(1)
    xx, xy, xt, _, yy, yt, _, _, tt = values.new_zeros(num_groups, 9).index_add_(0, group, products).unbind(1)
    determinant = xx * yy - xy**2
    spread = determinant > 1e-6 * (xx + yy) ** 2
    slope = torch.stack([yy * xt - xy * yt, xx * yt - xy * xt], 1) / determinant[:, None]
    slope = torch.where(spread[:, None], slope, torch.nan)
    explained = slope[:, 0] * xt + slope[:, 1] * yt
    return Planes(slope, explained / tt, count.long())


def grouped_median(values: Tensor, group: Tensor, num_groups: int) -> Tensor:
    """Lower median ``[G]`` of the values ``[M]`` of each group; nan where there is none."""
    order = values.argsort()
    order = order[group[order].argsort(stable=True)]
    count = torch.bincount(group, minlength=num_groups)
    middle = count.cumsum(0) - count + (count - 1).clamp_min(0) // 2
    found = values[order[middle.clamp_max(len(order) - 1)]] if len(order) else values.new_zeros(num_groups)
    return torch.where(count > 0, found, torch.nan)
