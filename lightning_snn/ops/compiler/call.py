"""What a scan of compiled neurons takes."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor


class Call(NamedTuple):
    """What a scan takes.

    Args:
        inputs: ``[T, B, N]`` each.
        state: ``[B, N]`` each.
        constants: One number or ``[N]`` each.
        before: Spikes ``[B, N]`` of the step before the first, for neurons that send to each other.
        coupling: Row j ``[N]`` is what a spike of neuron j adds to the first input; without it every spike
            adds ``strength`` to an input of all others.
        strength: That number.
        target: Place of that input.
        forward: Key of the kernels.
        backward: Key of those of the gradient, and what needs one: ``i0``, ``s1``, ``p2``.
        recorded: How many sequences the kernels record.
    """

    inputs: Sequence[Tensor]
    state: Sequence[Tensor]
    constants: Sequence[Tensor]
    before: Tensor | None = None
    coupling: Tensor | None = None
    strength: float = 0.0
    target: int = 0
    forward: str = ""
    backward: str = ""
    recorded: int = 0
