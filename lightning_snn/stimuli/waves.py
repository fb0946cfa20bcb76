"""Spontaneous waves: activity that a coupled sheet makes of noise."""

from collections.abc import Iterable

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.random import RandomStream, stream_of
from lightning_snn.network import SpikingNetwork
from lightning_snn.ops import parallel
from lightning_snn.stimuli.stimulus import Stimulus


class SpontaneousWaves(Stimulus):
    """A laterally coupled sheet, left alone with noise, makes travelling waves; no data.

    Args:
        amplitude: Standard deviation of the noise of a step of 1 ms, scaled by ``1 / sqrt(dt)``.
        layer: Name of the layer that makes waves, any that has lateral coupling; by default the first input
            layer that leads to the connection that is wired.
        seed: Seed of the noise, by default the network's; with the stream and the round it fixes every bit.

    Raises:
        ValueError: if ``amplitude`` is not positive.

    Source: Raghavan, Lin and Thomson, Self-organization of multi-layer spiking neural networks (2020).
    """

    spontaneous = True
    stream: RandomStream

    def __init__(self, amplitude: float = 3.0, *, layer: str | None = None, seed: int | None = None) -> None:
        checks.positive("amplitude", amplitude)
        self.amplitude = amplitude
        self.layer = layer
        self.stream = stream_of("noise", seed)

    def drives(self, network: SpikingNetwork, connection: str) -> list[str]:
        """The layer that makes waves; see `Stimulus.drives`."""
        return super().drives(network, connection)[:1]

    def check(self, network: SpikingNetwork, connection: str) -> None:
        """Raise ``ValueError`` if the layer has no lateral coupling: noise alone makes no waves."""
        super().check(network, connection)
        (name,) = self.drives(network, connection)
        if not any(c.source == c.target == name for c in network.connections.values()):
            raise ValueError(f"spontaneous waves need lateral coupling: give layers.{name} `lateral`")

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
        layer, numbers = network.layer(name), list(streams)
        noise = torch.empty(len(numbers), steps, layer.num_nodes)

        def draw(first: int, last: int) -> None:
            for place in range(first, last):
                generator = self.stream.torch(numbers[place], round_number)
                noise[place].normal_(generator=generator).mul_(self.amplitude * network.dt**-0.5)

        parallel.split(len(numbers), draw)
        return {name: noise.to(layer.positions.device).transpose(0, 1)}
