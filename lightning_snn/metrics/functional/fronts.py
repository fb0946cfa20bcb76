"""Fronts of waves: where they pass, relative to their wave and around each node."""

import torch
from torch import Tensor

from lightning_snn.geometry import Sheet
from lightning_snn.geometry.neighbours import Neighbours
from lightning_snn.metrics.functional.clusters import blocks, pairs_near
from lightning_snn.metrics.functional.planes import fit_planes, grouped_median

FEWEST_AROUND = 6
"""Nodes that a plane around a node needs."""

MOST_FITS = 500
"""Visits of a wave around which planes are fitted."""


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
    sheet: Sheet,
    around: Neighbours,
    wave: Tensor,
    node: Tensor,
    onset: Tensor,
    count: int,
    *,
    apart: int,
    dt: float,
) -> Tensor:
    """Median over visits of nodes of each wave of the speed of the plane fitted around them ``[count]``.

    Args:
        sheet: Where the nodes are.
        around: For each node the nodes that its plane is fitted to.
        wave: The wave of each visit of a node ``[M]``, ascending.
        node: Its node ``[M]``, ascending in a wave.
        onset: When it began ``[M]``, in steps, ascending for a node.
        count: Number of waves.
        apart: Visits farther apart than this are not of the same passage, in steps.
        dt: Step in ms.

    Returns:
        In units of length per ms; nan where no node has `FEWEST_AROUND` nodes of its wave around it.
    """
    places, span = wave * sheet.num_nodes + node, _span(onset)
    key = places * span + onset
    chosen = _evenly(wave, count)
    slope = torch.full((len(chosen),), torch.nan, dtype=torch.float64)
    for part in blocks(around.starts.diff()[node[chosen]]):
        block = chosen[part]
        visit, other = pairs_near(block, node, around)
        place = wave[visit] * sheet.num_nodes + other
        later = torch.searchsorted(key, place * span + onset[visit]).clamp_max(len(key) - 1)
        sooner = (later - 1).clamp_min(0)
        late, soon = (_distance(at, place, places, onset, onset[visit]) for at in (later, sooner))
        found, close = torch.where(late <= soon, later, sooner), torch.minimum(late, soon) <= apart
        visit, found = torch.cat([visit[close], block]), torch.cat([found[close], block])  # and itself
        offset = sheet.displacement(sheet.positions[node[found]] - sheet.positions[node[visit]])
        group = torch.searchsorted(block, visit)
        planes = fit_planes(offset, (onset[found] - onset[visit]) * dt, group, len(block))
        slope[part] = torch.where(planes.number >= FEWEST_AROUND, planes.slope.norm(dim=1), torch.nan)
    known = ~slope.isnan()
    return 1 / grouped_median(slope[known], wave[chosen][known], count)


def _span(onset: Tensor) -> int:
    """Steps that separate the visits of one node from those of the next, in a key that sorts them."""
    return 2 * int(onset.abs().max()) + 1 if len(onset) else 1


def _distance(at: Tensor, place: Tensor, places: Tensor, onset: Tensor, from_: Tensor) -> Tensor:
    """Steps between visits ``at`` a place and times; many where the visit is of another place."""
    return torch.where(places[at] == place, (onset[at] - from_).abs(), 2**62)


def _evenly(wave: Tensor, count: int) -> Tensor:
    """Numbers of at most `MOST_FITS` visits of each wave, evenly chosen."""
    number = torch.bincount(wave, minlength=count)
    rank = torch.arange(len(wave)) - (number.cumsum(0) - number)[wave]
    share = number.clamp_min(MOST_FITS)[wave]
    return ((rank * MOST_FITS) // share != ((rank - 1) * MOST_FITS) // share).nonzero()[:, 0]
