"""Which nodes of a sheet lie near each other or near given points, found from a grid of cells."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.geometry import Sheet

BLOCK = 1024
"""Points whose candidates are looked at together; bounds the memory."""


class Neighbours(NamedTuple):
    """Pairs of a point and a node: point j has ``starts[j] .. starts[j + 1] - 1``, in ascending order.

    Args:
        starts: ``[M + 1]``, int64.
        targets: The node of each pair ``[E]``, int32.
        distance: Their distances ``[E]``.
    """

    starts: Tensor
    targets: Tensor
    distance: Tensor


def neighbours(sheet: Sheet, radius: float) -> Neighbours:
    """All pairs of different nodes closer than ``radius``, each in both directions.

    Memory grows with the number of pairs, not with the square of the number of nodes.

    Args:
        sheet: The sheet; distances are measured in its space.
        radius: In the sheet's unit of length.

    Raises:
        ValueError: if ``radius`` is not positive.

    >>> from lightning_snn.geometry import Square
    >>> neighbours(Square(4, side=2.0, placement="grid"), 1.1).targets.tolist()
    [1, 2, 0, 3, 0, 3, 1, 2]
    """
    return _gather(sheet, sheet.positions, radius, torch.arange(sheet.num_nodes))


def nodes_near(sheet: Sheet, points: Tensor, radius: float) -> Neighbours:
    """The nodes of a sheet closer than ``radius`` to each of some points.

    Memory grows with the number of pairs.

    Args:
        sheet: The sheet; distances are measured in its space.
        points: ``[M, 2]``, anywhere.
        radius: In the sheet's unit of length.

    Raises:
        ValueError: if ``radius`` is not positive or ``points`` not ``[M, 2]``, M at least 1.

    >>> from lightning_snn.geometry import Square
    >>> nodes_near(Square(4, side=2.0, placement="grid"), torch.tensor([[1.0, 0.5]]), 1.0).targets.tolist()
    [0, 1]
    """
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(f"points must be [M, 2] with M >= 1, got shape {list(points.shape)}")
    return _gather(sheet, points, radius, torch.full((len(points),), -1))


def _gather(sheet: Sheet, points: Tensor, radius: float, own: Tensor) -> Neighbours:
    """``own``: the node that each point is, which does not count ``[M]``; -1: none."""
    checks.positive("radius", radius)
    cells = _Cells(sheet, radius)
    blocks = zip(torch.split(points, BLOCK), torch.split(own, BLOCK), strict=True)
    parts = [cells.pairs(*block) for block in blocks]
    count = torch.cat([part[0] for part in parts])
    starts = torch.cat([count.new_zeros(1), count.cumsum(0)])
    return Neighbours(starts, torch.cat([part[1] for part in parts]), torch.cat([part[2] for part in parts]))


class _Cells:
    """Nodes sorted into square cells at least ``radius`` wide, so that near nodes lie in adjacent cells."""

    def __init__(self, sheet: Sheet, radius: float) -> None:
        self.sheet, self.radius = sheet, radius
        low, high = sheet.positions.amin(0), sheet.positions.amax(0)
        extent = high - low if sheet.period is None else torch.full((2,), sheet.period)
        self.shape = (extent / radius).floor().long().clamp_min(1)
        steps = torch.tensor([-1, 0, 1])
        if sheet.period is not None and int(self.shape.min()) < 3:  # adjacent cells would be one cell twice
            self.shape, steps = torch.ones(2, dtype=torch.int64), torch.tensor([0])
        self.reach = torch.cartesian_prod(steps, steps)
        self.low, self.extent = low if sheet.period is None else torch.zeros(2), extent.clamp_min(1e-12)
        cell = self.cell(sheet.positions)
        number = cell[:, 0] * self.shape[1] + cell[:, 1]
        self.order = number.argsort(stable=True)
        counts = torch.bincount(number, minlength=int(self.shape.prod()))
        self.starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])

    def cell(self, points: Tensor) -> Tensor:
        """The cell ``[M, 2]`` of each point; of points outside, the nearest."""
        place = (points - self.low) / self.extent
        if self.sheet.period is not None:
            place = torch.where((place < 0) | (place > 1), place % 1, place)
        return (place * self.shape).floor().long().clamp_min(0).minimum(self.shape - 1)

    def pairs(self, points: Tensor, own: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Numbers of nodes near ``points``, and these nodes with their distances."""
        near = self.cell(points)[:, None] + self.reach
        inside = ((near >= 0) & (near < self.shape)).all(-1)
        if self.sheet.period is not None:
            near, inside = near % self.shape, torch.ones_like(inside)
        number = (near[..., 0] * self.shape[1] + near[..., 1]).clamp(0, len(self.starts) - 2)
        count = torch.where(inside, self.starts[number + 1] - self.starts[number], 0).flatten()
        source = torch.arange(len(points)).repeat_interleave(near.shape[1]).repeat_interleave(count)
        rank = torch.arange(len(source)) - (count.cumsum(0) - count).repeat_interleave(count)
        target = self.order[self.starts[number].flatten().repeat_interleave(count) + rank]
        offset = points[source] - self.sheet.positions[target]
        distance = torch.linalg.vector_norm(self.sheet.displacement(offset), dim=-1)
        close = (distance < self.radius) & (own[source] != target)
        source, target, distance = source[close], target[close], distance[close]
        order = (source * self.sheet.num_nodes + target).argsort()
        found = torch.bincount(source, minlength=len(points))
        return found, target[order].to(torch.int32), distance[order]
