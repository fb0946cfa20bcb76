"""Spontaneous waves: activity that a coupled sheet makes of noise."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.random import RandomStream, stream_of
from lightning_snn.geometry import Sheet
from lightning_snn.network import SpikingNetwork
from lightning_snn.ops import parallel
from lightning_snn.stimuli.stimulus import Stimulus
from lightning_snn.stimuli.wave_rate import Probe, factor_for
from lightning_snn.synapses import Projection

GRAIN = 1.0
"""Time in ms for which noise is held: what is drawn does not depend on the step."""

USUAL = 1.25
"""Factor from the density that a coupling is for, up to which the noise is that of the density."""


class SpontaneousWaves(Stimulus):
    """A laterally coupled sheet, left alone with noise, makes travelling waves; no data.

    Noise is drawn for 1 ms and held, whatever the step. Where a sheet is denser than its coupling is for
    (from a `Projection.crowding` c of 1.25 on), neighbours share it: there are N / c independent sources, and
    each node hears the nearest. Noise of their own averages out in the sum that many neighbours send, and no
    wave would start.

    With a ``rate``, the excitation inside the sheet is multiplied by the factor at which its neurons have
    that rate, as synaptic scaling does it; runs of the sheet alone find it before anything is wired, and it
    holds while the waves run only. So a sheet with another excitation, with dead nodes or with other neurons
    makes such waves, too; on a thin one (c below 0.8), where few neighbours average little, the amplitude is
    multiplied by ``c ** 0.25`` (found by trial). Stronger noise does not do that: where one neuron
    hardly excites the next, it makes single spikes. Nor do spikes started at random: how large and frequent
    the waves are that grow from them is up to the excitation.

    Args:
        amplitude: Standard deviation of the noise, a current held for 1 ms.
        rate: Mean rate in Hz of the sheet's neurons to come close to; within 20 % of it nothing is
            changed. None: the coupling is taken as it is.
        layer: Name of the layer that makes waves, any that has lateral coupling; by default the first input
            layer that leads to the connection that is wired.
        seed: Seed of the noise, by default the network's; with the stream and the round it fixes every bit.

    Raises:
        ValueError: if ``amplitude`` or ``rate`` is not positive.

    Source: Raghavan, Lin and Thomson, Self-organization of multi-layer spiking neural networks (2020);
    scaling: Turrigiano et al., Nature 391 (1998).
    """

    spontaneous = True
    stream: RandomStream

    def __init__(
        self,
        amplitude: float = 3.0,
        *,
        rate: float | None = None,
        layer: str | None = None,
        seed: int | None = None,
    ) -> None:
        checks.positive("amplitude", amplitude)
        if rate is not None:
            checks.positive("rate", rate)
        self.amplitude = amplitude
        self.rate = rate
        self.layer = layer
        self.stream = stream_of("noise", seed)
        self._heard: tuple[Sheet, Tensor] | None = None

    def drives(self, network: SpikingNetwork, connection: str) -> list[str]:
        """The layer that makes waves; see `Stimulus.drives`."""
        return super().drives(network, connection)[:1]

    def check(self, network: SpikingNetwork, connection: str) -> None:
        """Raise ``ValueError`` if the layer has no lateral coupling: noise alone makes no waves."""
        super().check(network, connection)
        (name,) = self.drives(network, connection)
        if not any(c.source == c.target == name for c in network.connections.values()):
            raise ValueError(f"spontaneous waves need lateral coupling: give layers.{name} `lateral`")

    def prepare(self, network: SpikingNetwork, connection: str) -> dict[str, Projection]:
        """The sheet's couplings at which it has its ``rate``, where it is given.

        Raises:
            ValueError: if the sheet is silent, or has the rate at no excitation.
        """
        (name,) = self.drives(network, connection)

        def noise(stream: int, steps: int) -> Tensor:
            return self._noise(network, name, [self.stream.of("probe").torch(stream)], steps)

        probe = Probe(network, name, noise)
        factor = factor_for(self.rate, probe)
        return {} if factor == 1 else probe.couplings(factor)

    def currents(
        self,
        network: SpikingNetwork,
        connection: str,
        *,
        steps: int,
        streams: Iterable[int],
        round_number: int,
    ) -> dict[str, Tensor]:
        """Each stream's own noise; see `Stimulus.currents`."""
        (name,) = self.drives(network, connection)
        generators = [self.stream.torch(number, round_number) for number in streams]
        return {name: self._noise(network, name, generators, steps)}

    def _noise(
        self, network: SpikingNetwork, name: str, generators: Sequence[torch.Generator], steps: int
    ) -> Tensor:
        """Noise ``[steps, S, N]`` of a layer, with a generator for each of S streams."""
        layer, crowding = network.layer(name), _crowding(network, name)
        held = max(1, round(GRAIN / network.dt))
        nearest = self._nearest(layer.geometry, crowding) if crowding > USUAL else None
        sources = layer.num_nodes if nearest is None else int(nearest.max()) + 1
        scale = self.amplitude * (held * network.dt) ** -0.5
        if self.rate is not None and crowding < 1 / USUAL:
            scale *= crowding**0.25
        noise = torch.empty(len(generators), -(-steps // held), sources)

        def draw(first: int, last: int) -> None:
            for place in range(first, last):
                noise[place].normal_(generator=generators[place]).mul_(scale)

        parallel.split(len(generators), draw)
        found = noise.to(layer.positions.device).transpose(0, 1)
        if nearest is not None:
            found = found[:, :, nearest.to(found.device)]
        return found if held == 1 else found.repeat_interleave(held, dim=0)[:steps]

    def _nearest(self, sheet: Sheet, crowding: float) -> Tensor:
        """The source that each node hears ``[N]``; sources are at the places of some nodes."""
        if self._heard is None or self._heard[0] is not sheet:
            number = max(1, round(sheet.num_nodes / crowding))
            chosen = torch.randperm(sheet.num_nodes, generator=self.stream.of("sources").torch())[:number]
            blocks = torch.split(sheet.positions, 1000)
            distances = [sheet.moved(block).distances(sheet.positions[chosen]) for block in blocks]
            self._heard = sheet, torch.cat([distance.argmin(1) for distance in distances])
        return self._heard[1]


def _crowding(network: SpikingNetwork, layer: str) -> float:
    """Density of a layer, in units of that which its coupling is for."""
    own = [c.projection for c in network.connections.values() if c.source == c.target == layer]
    return max((projection.crowding for projection in own), default=1.0)
