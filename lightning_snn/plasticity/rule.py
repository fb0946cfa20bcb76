"""What a learning rule is: how it starts, learns in streams, and merges what the streams learned."""

from abc import ABC, abstractmethod
from inspect import signature
from typing import Self

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.core.tensors import Tensors
from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.streams import Streams


class LearningRule(Configurable, ABC):
    """A rule that wires a projection; it holds constants only, all state is passed and returned.

    Three kinds of state, each a dictionary of tensors:

    * *wiring*: what a projection keeps and checkpoints save: ``weight [K, F]`` and the rule's own.
    * *stream*: what one stream carries from chunk to chunk (potentials, traces): ``[R, ...]``.
    * *proposal*: what the streams made of the wiring in one chunk, the rows of a process in order, given to
      `merge`.

    A rule knows no projection: it sees the spikes of F inputs and K units, see `Activity`. Where G groups of
    units have weights of their own, it is called for each group, unless it `takes_groups`.
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

    scales_only: bool = False
    """Whether all that it changes of weights is their scale, which is nothing to a norm behind them."""

    takes_groups: bool = False
    """Whether it takes G groups of units at once: ``weight [G, K, F]``, other wiring ``[G, ...]``, proposal
    and stream state ``[R, G, ...]``, or ``[R, N]`` for what each of N inputs has. `open` is then given N too.
    """

    converged_below: float | None = None
    """`convergence` below which the projection is wired; None where the fields decide."""

    def at(self, dt: float, key: str) -> Self:
        """The rule at the step ``dt`` in ms of a network.

        Raises:
            ValueError: if it was given another step of its own, under the ``key`` of a configuration, or its
                constants do not fit this one.
        """
        own = self._init_args.get("dt")
        if own is not None and own != dt:
            raise ValueError(f"{key} = {own}, but the network's dt is {dt}: give dt once, to the network")
        if self.dt is None or own is not None:
            return self
        if "dt" not in signature(type(self)).parameters:
            if self.dt == dt:
                return self
            raise ValueError(
                f"{key} is {self.dt} and no argument of {type(self).__name__}, but the network's dt is {dt}"
            )
        try:
            return self.again(dt=dt)
        except ValueError as error:
            raise ValueError(f"{key.removesuffix('.dt')}: {error}") from error

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
            The proposal, with ``spikes [R, K]`` of every unit (of a rule that lets units win, wins), and
            the stream state after the chunk; the arguments are not modified.
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


def in_force(dt: float | None) -> float:
    """The step in ms of a rule that was given ``dt``; 1 until a network says another, see `LearningRule.at`.

    Raises:
        ValueError: if it is not positive.
    """
    if dt is None:
        return 1.0
    checks.positive("dt", dt)
    return dt


def working_copies(weight: Tensor, num_streams: int) -> Tensor:
    """``[S, (G,) pre, post]`` copies of a weight ``[(G,) post, pre]``.

    A node's outgoing weights are contiguous.
    """
    return copies(weight.transpose(-1, -2), num_streams)


def copies(values: Tensor, num_streams: int) -> Tensor:
    """``[S, ...]`` copies of ``values`` ``[...]``."""
    return values.repeat(num_streams, *(1 for _ in values.shape))
