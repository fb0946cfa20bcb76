"""What a learning rule is: how it starts, learns in streams, and merges what the streams learned."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from lightning_snn.config import Configurable
from lightning_snn.plasticity.streams import Streams

Tensors = dict[str, Tensor]


class LearningRule(Configurable, ABC):
    """A rule that wires a projection; it holds constants only, all state is passed and returned.

    Three kinds of state, each a dictionary of tensors:

    * *wiring*: what a projection keeps and checkpoints save: ``weight [post, pre]`` and the rule's own.
    * *stream*: what one stream carries from chunk to chunk (potentials, traces): ``[S, ...]``.
    * *proposal*: what the streams made of the wiring in one chunk: ``[S, ...]``, given to `merge`.
    """

    connected_above: float
    """A synapse counts as connected when its weight is above this."""

    dt: float | None = None
    """Step in ms that the rule's time constants were turned into factors for; None if it has none."""

    @abstractmethod
    def initial(self, num_pre: int, num_post: int, generator: torch.Generator) -> Tensors:
        """The wiring before any activity."""

    @abstractmethod
    def open(self, wiring: Tensors, num_streams: int) -> Tensors:
        """The stream state before the first chunk, each tensor ``[S, ...]``."""

    @abstractmethod
    def learn(self, spikes: Tensor, wiring: Tensors, stream: Tensors) -> tuple[Tensors, Tensors]:
        """Run one chunk of presynaptic spikes ``[T, S, pre]``; each stream learns on its own copy.

        Returns:
            The proposal and the stream state after the chunk; the arguments are not modified.
        """

    @abstractmethod
    def merge(self, wiring: Tensors, proposal: Tensors, streams: Streams, steps: int) -> Tensors:
        """The wiring after a round in which every stream ran ``steps`` steps; the same on all processes."""


def working_copies(weight: Tensor, num_streams: int) -> Tensor:
    """``[S, pre, post]`` copies of a weight ``[post, pre]``; a node's outgoing weights are contiguous."""
    return weight.t().repeat(num_streams, 1, 1)


def copies(values: Tensor, num_streams: int) -> Tensor:
    """``[S, post]`` copies of ``values`` ``[post]``."""
    return values.repeat(num_streams, 1)
