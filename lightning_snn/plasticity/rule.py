"""What a learning rule is: how it starts, learns in streams, and merges what the streams learned."""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn import checks
from lightning_snn.config import Configurable
from lightning_snn.plasticity.streams import Streams

Tensors = dict[str, Tensor]


class Activity(NamedTuple):
    """Spikes of one chunk on both sides of the synapses that share one set of weights.

    A projection of any kind presents itself in this form: R rows are its streams, or where weights are
    shared between places (as in a convolution) its streams times its places, places running fastest.

    Args:
        pre: Spikes ``[T, R, F]`` of the F inputs of a unit; graded ones where the rule can take them.
        post: Spikes ``[T, R, K]`` of the K units; None for a rule that decides itself who spikes.
        places: Places of each stream: R is the number of streams times this.
        reward: One number a stream ``[S]``, for the chunk; None where there is none.
        positions: Where the places lie ``[P, 2]``, in steps of a grid; None where that says nothing.
    """

    pre: Tensor
    post: Tensor | None = None
    places: int = 1
    reward: Tensor | None = None
    positions: Tensor | None = None

    def require_post(self) -> Tensor:
        """``post``.

        Raises:
            ValueError: if there is none.
        """
        if self.post is None:
            raise ValueError("this rule needs the spikes of the units (post), got none")
        return self.post

    def require_spikes(self, rule: "LearningRule") -> None:
        """For a rule that asks whether a neuron spiked, and not how much.

        Raises:
            ValueError: unless all values are 0 or 1.
        """
        for name, values in self._sides():
            checks.spikes(f"spikes ({name})", values, user=type(rule).__name__)

    def require_graded(self, rule: "LearningRule", *, most: float = math.inf) -> None:
        """For a rule that is linear in spikes from 0 to ``most``.

        Raises:
            ValueError: unless all values lie there.
        """
        for name, values in self._sides():
            low, high = torch.aminmax(values)
            if not (low >= 0 and high <= most):
                allowed = "be 0 or above" if most == math.inf else f"lie between 0 and {most:g}"
                raise ValueError(
                    f"spikes ({name}) must {allowed} for {type(rule).__name__}, got values from "
                    f"{low.item():g} to {high.item():g}"
                )

    def _sides(self) -> list[tuple[str, Tensor]]:
        """What there is, by name."""
        sides = {"pre": self.pre, "post": self.post}
        return [(name, side) for name, side in sides.items() if side is not None and side.numel()]


class LearningRule(Configurable, ABC):
    """A rule that wires a projection; it holds constants only, all state is passed and returned.

    Three kinds of state, each a dictionary of tensors:

    * *wiring*: what a projection keeps and checkpoints save: ``weight [K, F]`` and the rule's own.
    * *stream*: what one stream carries from chunk to chunk (potentials, traces): ``[R, ...]``.
    * *proposal*: what the streams made of the wiring in one chunk, the rows of a process in order, given to
      `merge`.

    A rule knows no projection: it sees the spikes of F inputs and K units, see `Activity`.
    """

    connected_above: float
    """A synapse counts as connected when its weight is above this."""

    dt: float | None = None
    """Step in ms that the rule's time constants were turned into factors for; None if it has none."""

    needs_post: bool = False
    """Whether the layer's own neurons spike while the rule learns; else the rule decides who spikes."""

    needs_reward: bool = False
    """Whether it learns nothing without rewards."""

    lateral: bool = False
    """Whether it is for the connections inside a layer, and for no projection."""

    absolute_weights: bool = False
    """Whether a weight is the input that a spike causes; else only its share in the unit's field counts."""

    converged_below: float | None = None
    """`convergence` below which the projection is wired; None where the fields decide."""

    @abstractmethod
    def initial(self, num_pre: int, num_post: int, generator: torch.Generator) -> Tensors:
        """The wiring of ``num_post`` units with ``num_pre`` inputs each before any activity."""

    @abstractmethod
    def open(self, wiring: Tensors, num_rows: int) -> Tensors:
        """The stream state before the first chunk, each tensor ``[R, ...]``."""

    @abstractmethod
    def learn(self, activity: Activity, wiring: Tensors, stream: Tensors) -> tuple[Tensors, Tensors]:
        """Run one chunk; each row learns on its own copy, or all on fixed weights.

        A rule is linear in graded spikes, or refuses them (`Activity.require_spikes`, `require_graded`).

        Returns:
            The proposal, with the spikes (or wins) of every unit ``wins [R, K]``, and the stream state after
            the chunk; the arguments are not modified.
        """

    @abstractmethod
    def merge(self, wiring: Tensors, proposal: Tensors, streams: Streams, steps: int) -> Tensors:
        """The wiring after a round in which every row ran ``steps`` steps; the same on all processes.

        ``streams`` counts the rows of all processes.
        """

    def convergence(self, wiring: Tensors) -> float | None:
        """How far the weights are from their end; None where the rule has no such measure."""
        del wiring
        return None


def working_copies(weight: Tensor, num_streams: int) -> Tensor:
    """``[S, pre, post]`` copies of a weight ``[post, pre]``; a node's outgoing weights are contiguous."""
    return weight.t().repeat(num_streams, 1, 1)


def copies(values: Tensor, num_streams: int) -> Tensor:
    """``[S, post]`` copies of ``values`` ``[post]``."""
    return values.repeat(num_streams, 1)
