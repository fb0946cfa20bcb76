"""What a stimulus is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import NamedTuple

from torch import Tensor

from lightning_snn.core.config import Configurable
from lightning_snn.core.random import RandomStream
from lightning_snn.encoders import Encoder
from lightning_snn.network import LayerState, SpikingLayer


class Scene(NamedTuple):
    """What a stimulus may show.

    Args:
        images: Numbers ``[B]`` of training images to the images ``[B, 1, H, W]`` in [0, 1], without labels.
        num_images: How many there are.
        encoder: The network's own encoder.
        num_streams: Streams over all processes.
        labels: Numbers ``[B]`` to the classes ``[B]``, for stimuli that reward; None where there are none.
    """

    images: Callable[[Tensor], Tensor]
    num_images: int
    encoder: Encoder
    num_streams: int
    labels: Callable[[Tensor], Tensor] | None = None


class Stimulus(Configurable, ABC):
    """Makes the activity of a stack's first layer, stream by stream and round by round."""

    continues: bool = True
    """Whether a round goes on where the one before ended; else every round starts from rest."""

    stream: RandomStream | None = None
    """Where its random numbers come from; None where it draws none, or by ways of its own."""

    needs_scene: bool = False
    """Whether `attach` must be called first."""

    @property
    def rewards(self) -> bool:
        """Whether it has a `reward` of its own."""
        return type(self).reward is not Stimulus.reward

    def draw(self, seed: int, name: str) -> None:
        """Draw as the stimulus of the layer ``name`` in a network of this ``seed``; the phase calls it."""
        if self.stream is not None:
            self.stream = self.stream.under(seed, name)

    def attach(self, scene: Scene) -> None:
        """Take what the Trainer's data and the module offer; a stimulus that makes its own ignores it."""
        del scene

    def steps(self, chunk: int) -> int:
        """Steps of a round, where the user asked for ``chunk``."""
        return chunk

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
