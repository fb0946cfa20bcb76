"""Waves of a sheet as a metric; what a wave is stands in `lightning_snn.metrics.functional.waves`."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from lightning_snn.geometry import Sheet
from lightning_snn.metrics.carried import CarriedMetric
from lightning_snn.metrics.functional.clusters import Events
from lightning_snn.metrics.functional.wave_summary import (
    Visits,
    WaveTotals,
    least_nodes,
    reach,
    summary,
    whole_waves,
)
from lightning_snn.metrics.functional.waves import WaveFinder


class _Open(NamedTuple):
    """What an update leaves: spikes of waves that may go on, visits, and the steps that are over."""

    events: Events
    visits: Visits
    steps: int


class WaveSummary(CarriedMetric):
    """What the waves of a sheet are like, over all updates: the numbers of `wave_summary` by name.

    Its memory grows by five numbers a wave. Where updates follow each other, a wave counts once it has ended.

    Args:
        sheet: Where the nodes are.
        radius: Spikes closer than this may belong to one wave, in the sheet's unit of length.
        gap: Spikes at most this far apart may belong to one wave, in ms.
        least_share: A cluster that reaches a smaller share of the nodes is no wave.
        dt: Step in ms.
        continues: As in `CarriedMetric`: whether updates follow each other in time.
        kwargs: Options of `torchmetrics.Metric`.

    Raises:
        ValueError: if an option is not positive, or ``least_share`` is above 1.
    """

    totals: Tensor
    whole: list[Tensor]

    def __init__(
        self,
        sheet: Sheet,
        *,
        radius: float = 2.0,
        gap: float = 3.0,
        least_share: float = 0.01,
        dt: float = 1.0,
        continues: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(sheet.num_nodes, continues=continues, **kwargs)
        self.finder = WaveFinder(
            sheet, radius=radius, gap=gap, least_nodes=least_nodes(sheet, least_share), dt=dt
        )
        size = len(WaveTotals._fields)
        self.add_state("totals", torch.zeros(size, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("whole", [], dist_reduce_fx="cat")

    def add(self, spikes: Tensor, before: _Open | None) -> _Open:
        """Count the waves that end in ``spikes``."""
        finder, (steps, samples) = self.finder, spikes.shape[:2]
        open_before, visits, over = before or (None, Visits.none(samples, self.num_neurons), 0)
        events = Events.of(spikes)
        if open_before is not None:
            events = events.after(open_before)
        cluster = finder.clusters(events)
        ended = _last_steps(events.step, cluster) < steps - finder.gap if self.continues else cluster >= 0
        waves = finder.measured(events.where(ended), cluster[ended], first=-over, last=steps - 1)
        visited = visits.after(waves, since=over * finder.dt)
        new, old = visited.totals(), visits.totals()
        totals = WaveTotals(
            waves=len(waves.nodes),
            in_waves=float(waves.spikes.sum()),
            reach=reach(waves),
            spikes=float(spikes.sum()),
            ms=steps * samples * finder.dt,
            span=new["span"] - old["span"],
            intervals=new["intervals"] - old["intervals"],
        )
        self.totals += self.totals.new_tensor(totals)
        self.whole.append(whole_waves(waves).flatten().to(self.totals.device))
        rest = events.where(~ended)
        return _Open(rest._replace(step=rest.step - steps), visited, over + steps)

    def compute(self) -> dict[str, float]:
        """The numbers of `wave_summary` by name."""
        whole = dim_zero_cat(self.whole) if len(self.whole) else torch.zeros(0)
        return summary(WaveTotals(*self.totals.tolist()), whole.view(-1, 5).cpu(), self.finder.sheet)


def _last_steps(step: Tensor, cluster: Tensor) -> Tensor:
    """For each spike ``[E]`` the last step of its cluster."""
    number = int(cluster.max()) + 1 if len(cluster) else 0
    last = torch.zeros(number, dtype=torch.int64).scatter_reduce(0, cluster, step, "amax", include_self=False)
    return last[cluster]
