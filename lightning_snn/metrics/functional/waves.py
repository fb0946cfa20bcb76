"""Waves on a sheet: where they begin, how far, how fast and in which direction they travel.

A wave is a cluster of spikes that are near in space and time: two spikes are linked where their nodes lie
closer than ``radius`` and they are at most ``gap`` ms apart, and all that links join is one wave if it holds
enough nodes. As lengths are in the sheet's unit and times in ms, the step has no part in it. (In the retina a
wave is a domain of neighbouring cells that are recruited one after another: Feller et al., Neuron 19 (1997),
293; Ford, Felix and Feller, J. Neurosci. 32 (2012), 850; Stafford et al., Neuron 64 (2009), 200.)

Speed and direction come from planes fitted to the onsets, the times at which the wave reached its nodes: with
the gradient g of the onset over position the speed is ``1 / |g|``, towards g (Rubino, Robbins and
Hatsopoulos, Nature Neuroscience 9 (2006), 1549; Muller et al., Nature Reviews Neuroscience 19 (2018), 255).
One plane a wave tells where it travels, if it has one direction: see its fit. A wave that spreads all ways,
or turns, has a front all the same: planes fitted around its nodes, over twice the radius, to the times of the
same visit, give the front's speed, of which the median is reported.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.geometry import Sheet
from lightning_snn.geometry.neighbours import Neighbours, neighbours
from lightning_snn.metrics.functional.clusters import Events, clusters
from lightning_snn.metrics.functional.fronts import front_speeds, places_in_waves
from lightning_snn.metrics.functional.planes import fit_planes

PAUSE = 50.0
"""Time in ms after which a node that a wave has left is reached anew."""


class Waves(NamedTuple):
    """Waves, in the order of their onsets, and the nodes that they reached.

    Args:
        sample: The sample of each wave ``[W]``.
        start: When it began ``[W]``, in ms from the first step.
        duration: From its first to its last spike ``[W]``, in ms.
        nodes: Nodes that it reached ``[W]``.
        spikes: Its spikes ``[W]``.
        whole: Whether it began and ended inside the recording ``[W]``: at least a gap from its ends.
        speed: Speed of its plane ``[W]``, in units of length per ms; infinite where all onsets are equal.
        direction: Where its plane travels ``[W]``, as an angle in radians in (-pi, pi] from x to y (y points
            downwards).
        fit: Share of the variance of its onsets that the plane explains ``[W]``.
        front_speed: Median speed of its front ``[W]``, in units of length per ms.
        wave: The wave of each visit of a node ``[M]``; a wave that turns may visit a node again.
        node: Its node ``[M]``.
        onset: When the visit began ``[M]``, in ms from the first step.
    """

    sample: Tensor
    start: Tensor
    duration: Tensor
    nodes: Tensor
    spikes: Tensor
    whole: Tensor
    speed: Tensor
    direction: Tensor
    fit: Tensor
    front_speed: Tensor
    wave: Tensor
    node: Tensor
    onset: Tensor


def find_waves(
    spikes: Tensor,
    sheet: Sheet,
    *,
    radius: float = 2.0,
    gap: float = 3.0,
    least_nodes: int = 10,
    pause: float = PAUSE,
    dt: float = 1.0,
) -> Waves:
    """The waves in the spikes of a sheet.

    Args:
        spikes: ``[T, B, N]`` in {0, 1}.
        sheet: Where the nodes are.
        radius: Spikes closer than this may belong to one wave, in the sheet's unit of length.
        gap: Spikes at most this far apart may belong to one wave, in ms.
        least_nodes: A cluster of fewer nodes is no wave.
        pause: A node that has been silent for longer is visited anew, in ms.
        dt: Step in ms.

    Raises:
        ValueError: if ``spikes`` does not fit the sheet or has other values, or an option is not positive.
    """
    finder = WaveFinder(sheet, radius=radius, gap=gap, least_nodes=least_nodes, pause=pause, dt=dt)
    finder.check(spikes)
    events = Events.of(spikes)
    return finder.measured(events, finder.clusters(events), first=0, last=len(spikes) - 1)


class WaveFinder:
    """Finds the waves of a sheet; the arguments are those of `find_waves`."""

    def __init__(
        self, sheet: Sheet, *, radius: float, gap: float, least_nodes: int, pause: float = PAUSE, dt: float
    ) -> None:
        for name, value in {"radius": radius, "gap": gap, "pause": pause, "dt": dt}.items():
            checks.positive(name, value)
        checks.count("least_nodes", least_nodes)
        self.sheet, self.dt, self.least_nodes = sheet, dt, least_nodes
        self.gap, self.pause = (math.floor(time / dt + 1e-6) for time in (gap, pause))
        self.near: Neighbours = neighbours(sheet, radius)
        self.around: Neighbours = neighbours(sheet, 2 * radius)

    def check(self, spikes: Tensor) -> None:
        """Raise ``ValueError`` unless ``spikes`` is ``[T, B, N]`` for the nodes of the sheet."""
        if spikes.ndim != 3 or spikes.shape[2] != self.sheet.num_nodes:
            raise ValueError(
                f"spikes must be [T, B, {self.sheet.num_nodes}] for the nodes of the sheet, "
                f"got shape {list(spikes.shape)}"
            )

    def clusters(self, events: Events) -> Tensor:
        """The cluster of each spike ``[E]``."""
        return clusters(events, self.near, self.gap)

    def measured(self, events: Events, cluster: Tensor, *, first: int, last: int) -> Waves:
        """The clusters with enough nodes as waves, where the recording has the steps ``first .. last``."""
        visits, node, onset, new = self._visits(events, cluster)
        num_clusters = int(cluster.max()) + 1 if len(cluster) else 0
        large = torch.bincount(visits[new], minlength=num_clusters) >= self.least_nodes
        number = large.cumsum(0) - 1
        kept, spikes = large[visits], large[cluster]
        return self._waves(
            events.where(spikes), number[cluster[spikes]],
            number[visits[kept]], node[kept], onset[kept], new[kept], first, last,
        )  # fmt: skip

    def _visits(self, events: Events, cluster: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Cluster, node and first step of each visit, in this order, and whether it is the node's first."""
        key = cluster * self.sheet.num_nodes + events.node
        order = key.argsort(stable=True)  # the spikes of a node keep their order, which is that of the steps
        key, step = key[order], events.step[order]
        other, again = torch.ones_like(key, dtype=torch.bool), torch.zeros_like(key, dtype=torch.bool)
        other[1:] = key[1:] != key[:-1]
        again[1:] = step.diff() > self.pause
        begins = other | again
        key, step, first = key[begins], step[begins], other[begins]
        return key // self.sheet.num_nodes, key % self.sheet.num_nodes, step, first

    def _waves(
        self,
        events: Events,
        wave: Tensor,
        visits: Tensor,
        node: Tensor,
        onset: Tensor,
        new: Tensor,
        first: int,
        last: int,
    ) -> Waves:
        count = int(visits.max()) + 1 if len(visits) else 0
        edge = torch.zeros(count, dtype=torch.int64)
        start = edge.scatter_reduce(0, wave, events.step, "amin", include_self=False)
        end = edge.scatter_reduce(0, wave, events.step, "amax", include_self=False)
        sample = edge.scatter(0, wave, events.sample)
        places = places_in_waves(self.sheet, node[new], visits[new], count)
        plane = fit_planes(places, onset[new] * self.dt, visits[new], count)
        front = front_speeds(
            self.sheet, self.around, visits, node, onset, count, apart=self.pause, dt=self.dt
        )
        return Waves(
            sample=sample,
            start=(start * self.dt).float(),
            duration=((end - start) * self.dt).float(),
            nodes=torch.bincount(visits[new], minlength=count),
            spikes=torch.bincount(wave, minlength=count),
            whole=(start >= first + self.gap) & (end <= last - self.gap),
            speed=(1 / plane.slope.norm(dim=1)).float(),
            direction=torch.atan2(plane.slope[:, 1], plane.slope[:, 0]).float(),
            fit=plane.fit.float(),
            front_speed=front.float(),
            wave=visits,
            node=node,
            onset=(onset * self.dt).float(),
        )
