"""The one operator that runs every compiled neuron model, and its gradient."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._C import _are_functorch_transforms_active
from torch.autograd.function import once_differentiable
from torch.utils._python_dispatch import _get_current_dispatch_mode

from lightning_snn.core import checks
from lightning_snn.ops import backend
from lightning_snn.ops.compiler.call import Call

PACKAGE = "lightning_snn.ops.compiler"


def run(call: Call) -> list[Tensor]:
    """Spikes ``[T, B, N]``, the state after the last step, and recorded sequences ``[T, B, N]``.

    Where nobody watches there is no operator: its lists of tensors take as long as a small scan.
    """
    watched = checks.is_recorded() or _get_current_dispatch_mode() or _are_functorch_transforms_active()
    if watched or any(type(x) is not Tensor for x in (*call.inputs, *call.state)):
        return neuron_scan(*call)  # type: ignore[no-any-return]
    if call.backward:
        return [*_Scan.apply(call, *call.inputs, *call.state, *call.constants)]
    with torch.no_grad():
        return _forward(call)


def _forward(call: Call) -> list[Tensor]:
    found: list[Tensor] = backend.kernels(PACKAGE, call.inputs[0].device).forward(call)
    return found


def _backward(
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


neuron_scan_backward = torch.library.custom_op(
    "lightning_snn::neuron_scan_backward", _backward, mutates_args=()
)


@neuron_scan_backward.register_fake
def _(
    grads: Any, inputs: Sequence[Tensor], state: Sequence[Tensor], constants: Any, backward: str
) -> list[Tensor]:
    del grads, constants
    wanted = backward.split()[1:]
    return [state[0].new_empty((inputs[0] if name[0] == "i" else state[0]).shape) for name in wanted]


def _keep(ctx: Any, inputs: Sequence[Any], output: Any) -> None:
    del output
    call = Call(*inputs)
    ctx.counts, ctx.key = [len(x) for x in call[:3]], call.backward
    ctx.save_for_backward(*call.inputs, *call.state, *call.constants)
    ctx.set_materialize_grads(False)


def _differentiate(
    ctx: Any, grads: Sequence[Tensor | None], kernels: Callable[..., list[Tensor]] = neuron_scan_backward
) -> tuple[Any, ...]:
    """Gradients of inputs, state and constants, in three lists; none of the other arguments."""
    saved = iter(ctx.saved_tensors)
    inputs, state, constants = ([next(saved) for _ in range(count)] for count in ctx.counts)
    got = kernels(list(grads[: 1 + len(state)]), inputs, state, constants, ctx.key)
    found = dict(zip(ctx.key.split()[1:], got, strict=True))
    return (
        [found.get(f"i{k}") for k in range(len(inputs))],
        [found.get(f"s{k}") for k in range(len(state))],
        [_summed(found.get(f"p{k}"), value) for k, value in enumerate(constants)],
        *(None for _ in Call._fields[3:]),
    )


class _Scan(torch.autograd.Function):
    """The operator's gradient, without its lists."""

    @staticmethod
    def forward(ctx: Any, call: Call, *tensors: Tensor) -> tuple[Tensor, ...]:
        del tensors
        _keep(ctx, call, None)
        return tuple(_forward(call))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        inputs, state, constants, *_ = _differentiate(ctx, grads, _backward)
        return None, *inputs, *state, *constants


def _summed(grad: Tensor | None, like: Tensor) -> Tensor | None:
    """The gradient ``[B, N]`` of a constant in the form of the constant."""
    if grad is None:
        return None
    return (grad.sum() if like.numel() == 1 else grad.sum(0)).reshape(like.shape).to(like)


neuron_scan.register_autograd(_differentiate, setup_context=_keep)
for _device in ("cpu", "cuda"):
    neuron_scan.register_autocast(_device, torch.float32)
