"""Which nodes of a sheet lie near each other, found from a grid of cells instead of all pairs."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn import checks
from lightning_snn.geometry import Sheet

BLOCK = 1024
"""Nodes whose candidates are looked at together; bounds the memory."""


class Neighbours(NamedTuple):
    """Pairs of nodes: those of node j are ``starts[j] .. starts[j + 1] - 1``, in ascending order.

    Args:
        starts: ``[N + 1]``, int64.
        targets: The other node of each pair ``[E]``, int32.
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
    checks.positive("radius", radius)
    cells = _Cells(sheet, radius)
    parts = [cells.pairs(block) for block in torch.split(torch.arange(sheet.num_nodes), BLOCK)]
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
        place = (sheet.positions - (low if sheet.period is None else 0)) / extent.clamp_min(1e-12)
        self.cell = (place * self.shape).floor().long().clamp_min(0).minimum(self.shape - 1)
        number = self.cell[:, 0] * self.shape[1] + self.cell[:, 1]
        self.order = number.argsort(stable=True)
        counts = torch.bincount(number, minlength=int(self.shape.prod()))
        self.starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])

    def pairs(self, nodes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Numbers of neighbours of ``nodes``, and the neighbours with their distances."""
        near = self.cell[nodes][:, None] + self.reach
        inside = ((near >= 0) & (near < self.shape)).all(-1)
        if self.sheet.period is not None:
            near, inside = near % self.shape, torch.ones_like(inside)
        number = (near[..., 0] * self.shape[1] + near[..., 1]).clamp(0, len(self.starts) - 2)
        count = torch.where(inside, self.starts[number + 1] - self.starts[number], 0).flatten()
        source = torch.arange(len(nodes)).repeat_interleave(near.shape[1]).repeat_interleave(count)
        rank = torch.arange(len(source)) - (count.cumsum(0) - count).repeat_interleave(count)
        target = self.order[self.starts[number].flatten().repeat_interleave(count) + rank]
        offset = self.sheet.positions[nodes[source]] - self.sheet.positions[target]
        distance = torch.linalg.vector_norm(self.sheet.displacement(offset), dim=-1)
        close = (distance < self.radius) & (nodes[source] != target)
        source, target, distance = source[close], target[close], distance[close]
        order = (source * self.sheet.num_nodes + target).argsort()
        found = torch.bincount(source, minlength=len(nodes))
        return found, target[order].to(torch.int32), distance[order]
