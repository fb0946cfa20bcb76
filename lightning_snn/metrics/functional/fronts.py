"""Fronts of waves: where they pass, relative to their wave and around each node."""

import torch
from torch import Tensor

from lightning_snn.geometry import Sheet
from lightning_snn.geometry.neighbours import Neighbours
from lightning_snn.metrics.functional.clusters import blocks, pairs_near
from lightning_snn.metrics.functional.planes import fit_planes, grouped_median

FEWEST_AROUND = 6
"""Nodes that a plane around a node needs."""


def places_in_waves(sheet: Sheet, node: Tensor, wave: Tensor, count: int) -> Tensor:
    """Places ``[M, 2]`` of the nodes of waves; on a torus the shortest way from the middle of each."""
    place = sheet.positions.double()[node]
    if sheet.period is None:
        return place
    turn = 2 * torch.pi / sheet.period
    parts = torch.cat([(place * turn).sin(), (place * turn).cos()], 1)
    total = parts.new_zeros(count, 4).index_add_(0, wave, parts)
    middle = torch.atan2(total[:, :2], total[:, 2:]) / turn
    return sheet.displacement(place - middle[wave])


def front_speeds(
    sheet: Sheet, around: Neighbours, wave: Tensor, node: Tensor, onset: Tensor, count: int
) -> Tensor:
    """Median over the nodes of each wave of the speed of the plane fitted around a node ``[count]``.

    Args:
        sheet: Where the nodes are.
        around: For each node the nodes that its plane is fitted to.
        wave: The wave of each visit of a node ``[M]``, ascending.
        node: Its node ``[M]``, ascending in a wave.
        onset: When it was reached ``[M]``, in ms.
        count: Number of waves.

    Returns:
        In units of length per ms; nan where no node has `FEWEST_AROUND` nodes of its wave around it.
    """
    key = wave * sheet.num_nodes + node
    slope = torch.full((len(key),), torch.nan, dtype=onset.dtype)
    for block in blocks(around.starts.diff()[node]):
        visit, other = pairs_near(block, node, around)
        found = torch.searchsorted(key, wave[visit] * sheet.num_nodes + other).clamp_max(len(key) - 1)
        both = key[found] == wave[visit] * sheet.num_nodes + other
        visit, found = torch.cat([visit[both], block]), torch.cat([found[both], block])  # and the node itself
        offset = sheet.displacement(sheet.positions[node[found]] - sheet.positions[node[visit]])
        planes = fit_planes(offset, onset[found] - onset[visit], visit - block[0], len(block))
        slope[block] = torch.where(planes.number >= FEWEST_AROUND, planes.slope.norm(dim=1), torch.nan)
    known = ~slope.isnan()
    return 1 / grouped_median(slope[known], wave[known], count)
