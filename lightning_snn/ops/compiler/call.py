"""What a scan of compiled neurons takes."""

from collections.abc import Callable, Iterable, Sequence
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
        held: One step ``[B, N]`` of the first input where that stays the same, and is a view of it without
            gradients: the gradient is that of the step, the sum over time. Only on a CPU.
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
    held: Tensor | None = None


def carried(
    names: Iterable[str],
    grads: Sequence[Tensor | None],
    like: Tensor,
    shape: Sequence[int],
    owned: Callable[[Tensor | None, Tensor], Tensor],
) -> dict[str, Tensor]:
    """Room for the gradients that a kernel gives.

    Args:
        names: What they are of: ``i..`` inputs, ``s..`` states, ``p..`` constants.
        grads: Gradients of the spikes and of the state after the last step, where a carried one begins.
        like: A state ``[B, N]``.
        shape: That of the inputs ``[T, B, N]``.
        owned: A copy of a gradient, or zeros like a state.
    """
    begin = {f"s{k}": x for k, x in enumerate(grads[1:])}
    return {x: like.new_empty(shape) if x[0] == "i" else owned(begin.get(x), like) for x in names}
