"""What a stimulus is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from torch import Tensor

from lightning_snn.core.config import Configurable
from lightning_snn.core.random import RandomStream
from lightning_snn.encoders import Encoder
from lightning_snn.network import SpikingNetwork
from lightning_snn.network.graph import leading_to
from lightning_snn.synapses import Projection


class Scene(NamedTuple):
    """What a stimulus may show.

    Args:
        images: Numbers ``[B]`` of training samples to the input that an encoder takes: images
            ``[B, C, H, W]``, or sequences; by input layer where it is a dictionary.
        num_images: How many there are.
        encoders: The network's own encoders by input layer.
        num_streams: Streams over all processes.
        labels: Numbers ``[B]`` to the classes ``[B]``, for stimuli that reward; None where there are none.
    """

    images: Callable[[Tensor], Any]
    num_images: int
    encoders: Mapping[str, Encoder]
    num_streams: int
    labels: Callable[[Tensor], Tensor] | None = None


class Stimulus(Configurable, ABC):
    """Makes the input of layers of a network, stream by stream and round by round; the network runs."""

    layer: str | None = None
    """Name of the layer that it drives; None: the input layers that lead to the connection."""

    continues: bool = True
    """Whether a round goes on where the one before ended; else every round starts from rest."""

    spontaneous: bool = False
    """Whether connections of ``development`` act, as they do before the eyes open."""

    stream: RandomStream | None = None
    """Where its random numbers come from; None where it draws none, or by ways of its own."""

    needs_scene: bool = False
    """Whether `attach` must be called first."""

    @property
    def rewards(self) -> bool:
        """Whether it has a `reward` of its own."""
        return type(self).reward is not Stimulus.reward

    def draw(self, seed: int, name: str) -> None:
        """Draw as the stimulus of the connection ``name`` in a network of this ``seed``."""
        if self.stream is not None:
            self.stream = self.stream.under(seed, name)

    def attach(self, scene: Scene) -> None:
        """Take what the data and the module offer; a stimulus that makes its own input ignores it."""
        del scene

    def steps(self, network: SpikingNetwork, connection: str, *, chunk: int, round_number: int) -> int:
        """Steps of a round, the same on all processes, where the user asked for ``chunk``."""
        del network, connection, round_number
        return chunk

    def reward(self, post: Tensor, streams: Iterable[int], round_number: int) -> Tensor | None:
        """Rewards for the spikes ``[T, S, N]`` of the layer that learns, or None.

        One for each stream ``[S]``, at the end of the round, or for each of its steps ``[T, S]``.
        """
        del post, streams, round_number
        return None

    def drives(self, network: SpikingNetwork, connection: str) -> list[str]:
        """Names of the layers that it drives while a connection is wired.

        Raises:
            ValueError: if there is no such layer, or it does not lead to the connection.
        """
        source = network.connection(connection).source
        before = leading_to([source], network.edges)
        if self.layer is None:
            return [name for name in network.inputs if name in before]
        if self.layer not in network.names:
            raise ValueError(
                f"{type(self).__name__}.layer must name a layer of {network.names}, got {self.layer!r}"
            )
        if self.layer not in before:
            raise ValueError(
                f"{type(self).__name__} drives layers.{self.layer}, and nothing leads from there to "
                f"layers.{source}, where {network.key(connection)} begins"
            )
        return [self.layer]

    def check(self, network: SpikingNetwork, connection: str) -> None:
        """Raise ``ValueError`` if this stimulus cannot drive what leads to a connection."""
        if not self.drives(network, connection):
            raise ValueError(
                f"no input layer leads to {network.key(connection)}: give {type(self).__name__} the `layer` "
                "that it is to drive"
            )

    def prepare(self, network: SpikingNetwork, connection: str) -> dict[str, Projection]:
        """What carries spikes while a connection is wired, instead of the network's own, by connection name.

        Called before the first round: by default nothing is replaced.
        """
        del network, connection
        return {}

    @abstractmethod
    def currents(
        self,
        network: SpikingNetwork,
        connection: str,
        *,
        steps: int,
        streams: Iterable[int],
        round_number: int,
    ) -> dict[str, Tensor]:
        """Input ``[steps, S, N]`` of the layers that it drives, by name.

        Args:
            network: The network.
            connection: Name of the connection that is wired.
            steps: Steps to run.
            streams: Global numbers of the streams; what a stream sees depends on its number only.
            round_number: Number of the round.
        """
