"""The one operator that runs every compiled neuron model, and its gradient."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from lightning_snn.ops import backend

PACKAGE = "lightning_snn.ops.compiler"


@torch.library.custom_op("lightning_snn::neuron_scan", mutates_args=())
def neuron_scan(
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    constants: Sequence[Tensor],
    before: Tensor | None,
    coupling: Tensor | None,
    strength: float,
    target: int,
    forward: str,
    backward: str,
    recorded: int,
) -> list[Tensor]:
    """Spikes ``[T, B, N]``, the state after the last step, and ``recorded`` sequences ``[T, B, N]``.

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
    del backward
    kernels = backend.kernels(PACKAGE, inputs[0].device)
    found: list[Tensor] = kernels.forward(
        inputs, state, _numbers(constants), before, coupling, strength, target, forward, recorded
    )
    return found


@neuron_scan.register_fake
def _(inputs: Sequence[Tensor], state: Sequence[Tensor], *others: Any) -> list[Tensor]:
    recorded = others[-1]
    sequences = [state[0].new_empty(inputs[0].shape) for _ in range(1 + recorded)]
    return [
        sequences[0],
        *(torch.empty_like(x, memory_format=torch.contiguous_format) for x in state),
        *sequences[1:],
    ]


@torch.library.custom_op("lightning_snn::neuron_scan_backward", mutates_args=())
def neuron_scan_backward(
    grads: Sequence[Tensor | None],
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    constants: Sequence[Tensor],
    backward: str,
) -> list[Tensor]:
    """The gradients that ``backward`` names after its key."""
    found: list[Tensor] = backend.kernels(PACKAGE, inputs[0].device).backward(
        grads, inputs, state, _numbers(constants), *backward.split()
    )
    return found


@neuron_scan_backward.register_fake
def _(
    grads: Any,
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    constants: Any,
    backward: str,
) -> list[Tensor]:
    del grads, constants
    names = backward.split()[1:]
    return [state[0].new_empty((inputs[0] if name[0] == "i" else state[0]).shape) for name in names]


def _numbers(constants: Sequence[Tensor]) -> list[Tensor]:
    """Constants; those of one number without dimensions, so that they take the format of what they meet."""
    return [x.reshape(()) if x.ndim and x.numel() == 1 else x for x in constants]


def run(
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    constants: Sequence[Tensor],
    before: Tensor | None,
    coupling: Tensor | None,
    strength: float,
    target: int,
    forward: str,
    backward: str,
    recorded: int,
) -> list[Tensor]:
    """`neuron_scan`; its kernels where nobody watches, since an operator takes as long as a small scan."""
    given = (inputs, state, constants, before, coupling, strength, target, forward)
    watched = (
        backward
        or torch.compiler.is_compiling()
        or torch.jit.is_tracing()
        or _get_current_dispatch_mode() is not None
    )
    if watched or any(type(x) is not Tensor for x in (*inputs, *state)):
        return neuron_scan(*given, backward, recorded)  # type: ignore[no-any-return]
    with torch.no_grad():
        found: list[Tensor] = backend.kernels(PACKAGE, inputs[0].device).forward(*given, recorded)
    return found


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    del output
    ctx.counts = [len(x) for x in inputs[:3]]
    ctx.key = inputs[8]
    ctx.save_for_backward(*(x for group in inputs[:3] for x in group))
    ctx.set_materialize_grads(False)


def _differentiate(ctx: Any, grads: Sequence[Tensor | None]) -> tuple[Any, ...]:
    saved = iter(ctx.saved_tensors)
    inputs, state, constants = ([next(saved) for _ in range(count)] for count in ctx.counts)
    got = neuron_scan_backward(list(grads[: 1 + len(state)]), inputs, state, constants, ctx.key)
    found = dict(zip(ctx.key.split()[1:], got, strict=True))
    sizes = [_summed(found.get(f"p{k}"), value) for k, value in enumerate(constants)]
    groups = (
        [found.get(f"{letter}{k}") for k in range(len(group))]
        for letter, group in (("i", inputs), ("s", state))
    )
    return *groups, sizes, *(None for _ in range(7))


def _summed(grad: Tensor | None, like: Tensor) -> Tensor | None:
    """The gradient ``[B, N]`` of a constant in the form of the constant."""
    if grad is None:
        return None
    return (grad.sum() if like.numel() == 1 else grad.sum(0)).reshape(like.shape).to(like)


neuron_scan.register_autograd(_differentiate, setup_context=_keep)
for _device in ("cpu", "cuda"):
    neuron_scan.register_autocast(_device, torch.float32)
