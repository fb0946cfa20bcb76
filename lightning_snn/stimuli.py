"""What drives self-organisation."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from lightning_snn import checks
from lightning_snn.config import Configurable
from lightning_snn.network import LayerState, SpikingLayer
from lightning_snn.ops import parallel


class Stimulus(Configurable, ABC):
    """Makes the activity of a stack's first layer, stream by stream and round by round."""

    continues: bool = True
    """Whether a round goes on where the one before ended; else every round starts from rest."""

    def reward(self, post: Tensor, streams: Iterable[int], round_number: int) -> Tensor | None:
        """A reward for each stream ``[S]``, after the layer that learns has spiked ``[T, S, N]``, or None."""
        del post, streams, round_number
        return None

    @abstractmethod
    def check(self, layer: SpikingLayer) -> None:
        """Raise ``ValueError`` if this stimulus cannot drive ``layer``."""

    @abstractmethod
    def run(
        self, layer: SpikingLayer, state: LayerState, *, steps: int, streams: Iterable[int], round_number: int
    ) -> tuple[Tensor, LayerState]:
        """Spikes ``[steps, S, N]`` and the state after them.

        Args:
            layer: The first layer.
            state: Its state, one row a stream.
            steps: Steps to run.
            streams: Global numbers of the streams; what a stream sees depends on its number only.
            round_number: Number of the round.
        """


class SpontaneousWaves(Stimulus):
    """A laterally coupled sheet, left alone with noise, makes travelling waves; no data.

    Args:
        amplitude: Standard deviation of the noise of a step of 1 ms, scaled by ``1 / sqrt(dt)``.
        seed: Seed of the noise; with the stream and the round it fixes every bit.

    Raises:
        ValueError: if ``amplitude`` is not positive.

    Source: Raghavan, Lin and Thomson, Self-organization of multi-layer spiking neural networks (2020).
    """

    def __init__(self, amplitude: float = 3.0, *, seed: int = 0) -> None:
        checks.positive("amplitude", amplitude)
        checks.non_negative("seed", seed)
        self.amplitude = amplitude
        self.seed = seed

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
                generator = noise_generator(self.seed, numbers[place], round_number)
                noise[place].normal_(generator=generator).mul_(self.amplitude * layer.dt**-0.5)

        parallel.split(len(numbers), draw)
        current = noise.to(layer.positions.device).transpose(0, 1)
        spikes, state = layer(current, state, developing=True)
        return spikes, state


def noise_generator(seed: int, stream: int, round_number: int) -> torch.Generator:
    """Generator of the noise of one stream in one round, independent of the others."""
    word = np.random.SeedSequence([seed, stream, round_number]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(word >> np.uint64(1)))
