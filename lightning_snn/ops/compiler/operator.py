"""The one operator that runs every compiled neuron model, and its gradient."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from lightning_snn.core import checks
from lightning_snn.ops import backend
from lightning_snn.ops.compiler.call import Call

PACKAGE = "lightning_snn.ops.compiler"


def run(call: Call) -> list[Tensor]:
    """Spikes ``[T, B, N]``, the state after the last step, and recorded sequences ``[T, B, N]``.

    Where nobody watches the kernels run without an operator, which takes as long as a small scan.
    """
    watched = call.backward or checks.is_recorded() or _get_current_dispatch_mode() is not None
    if watched or any(type(x) is not Tensor for x in (*call.inputs, *call.state)):
        return neuron_scan(*call)  # type: ignore[no-any-return]
    with torch.no_grad():
        return _forward(call)


def _forward(call: Call) -> list[Tensor]:
    found: list[Tensor] = backend.kernels(PACKAGE, call.inputs[0].device).forward(call)
    return found


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
    """See `Call`."""
    sent = (before, coupling, strength, target)
    return _forward(Call(inputs, state, constants, *sent, forward, backward, recorded))


@neuron_scan.register_fake
def _(inputs: Sequence[Tensor], state: Sequence[Tensor], *others: Any) -> list[Tensor]:
    sequences = [state[0].new_empty(inputs[0].shape) for _ in range(1 + others[-1])]
    ends = [torch.empty_like(x, memory_format=torch.contiguous_format) for x in state]
    return [sequences[0], *ends, *sequences[1:]]


@torch.library.custom_op("lightning_snn::neuron_scan_backward", mutates_args=())
def neuron_scan_backward(
    grads: Sequence[Tensor | None],
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    constants: Sequence[Tensor],
    backward: str,
) -> list[Tensor]:
    """The gradients that ``backward`` names after its key: of inputs ``[T, B, N]``, else ``[B, N]``."""
    call = Call(inputs, state, constants, backward=backward)
    found: list[Tensor] = backend.kernels(PACKAGE, inputs[0].device).backward(call, grads)
    return found


@neuron_scan_backward.register_fake
def _(
    grads: Any, inputs: Sequence[Tensor], state: Sequence[Tensor], constants: Any, backward: str
) -> list[Tensor]:
    del grads, constants
    wanted = backward.split()[1:]
    return [state[0].new_empty((inputs[0] if name[0] == "i" else state[0]).shape) for name in wanted]


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


def _no_further(ctx: Any, *grads: Any) -> None:
    del ctx, grads
    raise NotImplementedError(
        "gradients of compiled neurons have no gradients themselves: run the model inside "
        'lightning_snn.ops.backend.use("reference"), whose gradients have'
    )


neuron_scan.register_autograd(_differentiate, setup_context=_keep)
neuron_scan_backward.register_autograd(_no_further)
for _device in ("cpu", "cuda"):
    neuron_scan.register_autocast(_device, torch.float32)
