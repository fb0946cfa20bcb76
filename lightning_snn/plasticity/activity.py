"""What a learning rule sees of a projection of any kind."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.ops.seen import seen
from lightning_snn.ops.stdp_window import Pairing


class Activity(NamedTuple):
    """Spikes of one chunk on both sides of synapses.

    A projection of any kind presents itself in this form: R rows are its streams, or where weights are
    shared between places (as in a convolution) its streams times its places, places running fastest. Units
    that see fields of their own, with weights of their own, stand in G groups: a rule that `takes_groups`
    sees them all at once, with ``nodes``, any other rule one after another.

    Args:
        pre: Spikes ``[T, R, F]`` of the F inputs of a unit; graded ones where the rule can take them. With
            ``nodes`` those of all N inputs ``[T, R, N]``.
        post: Spikes ``[T, R, K]`` of the K units; None for a rule that decides itself who spikes. With
            ``nodes`` ``[T, R, G, K]``.
        places: Places of each stream: R is the number of streams times this.
        reward: One number a stream, ``[S]`` for the end of the chunk or ``[T, S]`` for each step; None where
            there is none.
        positions: Where the places lie ``[P, 2]``, in steps of a grid; None where that says nothing.
        nodes: Which inputs the units of each group see ``[G, F]``, filled up with N, which never spikes.
    """

    pre: Tensor
    post: Tensor | None = None
    places: int = 1
    reward: Tensor | None = None
    positions: Tensor | None = None
    nodes: Tensor | None = None

    def groups(self) -> Iterator["Activity"]:
        """What each group sees, as an activity of its own."""
        if self.nodes is None:
            yield self
            return
        for g, nodes in enumerate(self.nodes):
            post = None if self.post is None else self.post[:, :, g]
            yield self._replace(pre=seen(self.pre, nodes), post=post, nodes=None)

    def require_post(self) -> Tensor:
        """``post``.

        Raises:
            ValueError: if there is none.
        """
        if self.post is None:
            raise ValueError("this rule needs the spikes of the units (post), got none")
        return self.post

    def require_spikes(self, rule: object) -> None:
        """For a rule that asks whether a neuron spiked, and not how much.

        Raises:
            ValueError: unless all values are 0 or 1.
        """
        for name, values in self._sides():
            checks.spikes(f"spikes ({name})", values, user=type(rule).__name__)

    def require_graded(self, rule: object, *, most: float = math.inf) -> None:
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

    def require_for_pairing(self, pairing: Pairing, rule: object) -> None:
        """For a rule of pairs, linear in spikes or, where only the ``nearest`` one counts, for 0 and 1 only.

        Raises:
            ValueError: as `require_graded`, or as `require_spikes`.
        """
        if pairing == "nearest":
            self.require_spikes(rule)
        else:
            self.require_graded(rule)

    def _sides(self) -> list[tuple[str, Tensor]]:
        """What there is, by name."""
        sides = {"pre": self.pre, "post": self.post}
        return [(name, side) for name, side in sides.items() if side is not None and side.numel()]
