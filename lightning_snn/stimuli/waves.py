"""Spontaneous waves: activity that a coupled sheet makes of noise."""

from collections.abc import Iterable

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.random import RandomStream, stream_of
from lightning_snn.network import LayerState, SpikingLayer
from lightning_snn.ops import parallel
from lightning_snn.stimuli.stimulus import Stimulus


class SpontaneousWaves(Stimulus):
    """A laterally coupled sheet, left alone with noise, makes travelling waves; no data.

    Args:
        amplitude: Standard deviation of the noise of a step of 1 ms, scaled by ``1 / sqrt(dt)``.
        seed: Seed of the noise, by default the network's; with the stream and the round it fixes every bit.

    Raises:
        ValueError: if ``amplitude`` is not positive.

    Source: Raghavan, Lin and Thomson, Self-organization of multi-layer spiking neural networks (2020).
    """

    stream: RandomStream

    def __init__(self, amplitude: float = 3.0, *, seed: int | None = None) -> None:
        checks.positive("amplitude", amplitude)
        self.amplitude = amplitude
        self.stream = stream_of("noise", seed)

    def check(self, layer: SpikingLayer) -> None:
        """Raise ``ValueError`` if the layer has no lateral coupling: noise alone makes no waves."""
        if layer.lateral is None:
            raise ValueError("spontaneous waves need lateral coupling: give the first layer `lateral`")

    def run(
        self, layer: SpikingLayer, state: LayerState, *, steps: int, streams: Iterable[int], round_number: int
    ) -> tuple[Tensor, LayerState]:
        """Waves of each stream from its own noise; see `Stimulus.run`."""
        numbers = list(streams)
        noise = torch.empty(len(numbers), steps, layer.num_nodes)

        def draw(first: int, last: int) -> None:
            for place in range(first, last):
                generator = self.stream.torch(numbers[place], round_number)
                noise[place].normal_(generator=generator).mul_(self.amplitude * layer.dt**-0.5)

        parallel.split(len(numbers), draw)
        current = noise.to(layer.positions.device).transpose(0, 1)
        spikes, state = layer(current, state, developing=True)
        return spikes, state
