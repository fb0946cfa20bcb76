"""What the waves of a sheet are like, in a few numbers."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.geometry import Sheet
from lightning_snn.metrics.functional.waves import Waves, find_waves

GOOD_FIT = 0.5
"""Share of the variance of the onsets that a plane must explain for a wave to have one direction."""


class WaveTotals(NamedTuple):
    """Sums over nodes and samples.

    Args:
        waves: Waves.
        in_waves: Spikes that belong to them.
        reach: For each of these spikes the nodes that its wave reached.
        spikes: All spikes.
        ms: Time of the recordings.
        span: Time between the first and the last wave at a node, in ms.
        intervals: Intervals between waves at a node.
    """

    waves: float
    in_waves: float
    reach: float
    spikes: float
    ms: float
    span: float
    intervals: float


def wave_summary(
    spikes: Tensor,
    sheet: Sheet,
    *,
    radius: float = 2.0,
    gap: float = 3.0,
    least_share: float = 0.01,
    dt: float = 1.0,
) -> dict[str, float]:
    """What the waves in the spikes of a sheet are like; `find_waves` says what a wave is.

    Args:
        spikes: ``[T, B, N]`` in {0, 1}.
        sheet: Where the nodes are.
        radius: As in `find_waves`.
        gap: As in `find_waves`.
        least_share: A cluster that reaches a smaller share of the nodes is no wave.
        dt: Step in ms.

    Returns:
        ``rate`` of a node in Hz; ``waves_per_second`` of a sample, the same for 1000 nodes
        (``waves_per_second_per_1000_nodes``) and for 100 squared units of length
        (``waves_per_second_per_100_area``); ``in_waves``, the share of the spikes that belong to waves;
        ``size_of_spikes``, the mean over these spikes of the share of the nodes that their wave reached;
        medians over the waves that began and ended inside the recording: ``size`` (share of the nodes),
        ``spikes`` (of each node that it reached), ``duration`` in ms, ``speed`` of the front in units of
        length per ms; over those of them with one direction (`GOOD_FIT`) ``plane_speed``, and ``planar``,
        their share; ``interval``, the mean time in ms between waves at a node. Nan where there is none.

    Raises:
        ValueError: as `find_waves`, or if ``least_share`` does not lie in (0, 1].
    """
    waves = find_waves(
        spikes, sheet, radius=radius, gap=gap, least_nodes=least_nodes(sheet, least_share), dt=dt
    )
    totals = WaveTotals(
        waves=len(waves.nodes),
        in_waves=float(waves.spikes.sum()),
        reach=reach(waves),
        spikes=float(spikes.sum()),
        ms=len(spikes) * spikes.shape[1] * dt,
        **Visits.none(spikes.shape[1], sheet.num_nodes).after(waves).totals(),
    )
    return summary(totals, whole_waves(waves), sheet)


def least_nodes(sheet: Sheet, share: float) -> int:
    """The nodes that a wave reaches at least, where that is a share of the sheet."""
    checks.positive("least_share", share)
    checks.between("least_share", share, 0, 1)
    return max(1, math.ceil(share * sheet.num_nodes - 1e-9))


def reach(waves: Waves) -> float:
    """The nodes that their wave reached, summed over spikes."""
    return float((waves.spikes.double() * waves.nodes).sum())


def whole_waves(waves: Waves) -> Tensor:
    """Of each whole wave nodes, spikes, duration, speed of the front and of its plane ``[W', 5]``."""
    plane = torch.where(waves.fit >= GOOD_FIT, waves.speed, torch.nan)
    table = torch.stack([waves.nodes, waves.spikes, waves.duration, waves.front_speed, plane], 1)
    return table[waves.whole]


class Visits(NamedTuple):
    """Waves at each node of each sample ``[B, N]``.

    Args:
        first: When the first wave reached it, in ms; infinite before that.
        last: When the last one did.
        number: How many did.
    """

    first: Tensor
    last: Tensor
    number: Tensor

    @classmethod
    def none(cls, samples: int, nodes: int) -> "Visits":
        """Before any wave."""
        first = torch.full((samples, nodes), torch.inf, dtype=torch.float64)
        return cls(first, -first, torch.zeros(samples, nodes, dtype=torch.int64))

    def after(self, waves: Waves, since: float = 0.0) -> "Visits":
        """After ``waves`` of a recording that began at ``since`` ms."""
        place = waves.sample[waves.wave] * self.first.shape[1] + waves.node
        onset = since + waves.onset.double()
        return Visits(
            self.first.flatten().scatter_reduce(0, place, onset, "amin").view_as(self.first),
            self.last.flatten().scatter_reduce(0, place, onset, "amax").view_as(self.last),
            self.number + torch.bincount(place, minlength=self.number.numel()).view_as(self.number),
        )

    def totals(self) -> dict[str, float]:
        """``span`` and ``intervals`` of `WaveTotals`."""
        seen = self.number > 0
        return {
            "span": float((self.last - self.first)[seen].sum()),
            "intervals": float((self.number[seen] - 1).sum()),
        }


def summary(totals: WaveTotals, whole: Tensor, sheet: Sheet) -> dict[str, float]:
    """The numbers of `wave_summary`, from sums and what `whole_waves` gives."""
    nodes, sent, duration, speed, plane = whole.unbind(1)
    per_second = 1000 * totals.waves / totals.ms
    return {
        "rate": 1000 * totals.spikes / (totals.ms * sheet.num_nodes),
        "waves_per_second": per_second,
        "waves_per_second_per_1000_nodes": per_second * 1000 / sheet.num_nodes,
        "waves_per_second_per_100_area": per_second * 100 / sheet.area,
        "in_waves": totals.in_waves / totals.spikes if totals.spikes else math.nan,
        "size_of_spikes": totals.reach / (totals.in_waves * sheet.num_nodes) if totals.in_waves else math.nan,
        "size": _median(nodes) / sheet.num_nodes,
        "spikes": _median(sent / nodes),
        "duration": _median(duration),
        "speed": _median(speed),
        "plane_speed": _median(plane),
        "planar": float((~plane.isnan()).float().mean()),
        "interval": totals.span / totals.intervals if totals.intervals else math.nan,
    }


def _median(values: Tensor) -> float:
    return float(values.nanmedian()) if len(values) else math.nan
