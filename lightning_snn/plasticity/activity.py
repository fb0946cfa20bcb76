"""What a learning rule sees of a projection of any kind."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.ops.stdp_window import Pairing


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
