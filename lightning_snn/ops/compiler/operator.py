"""The one operator that runs every compiled neuron model, and its gradient."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._C import _are_functorch_transforms_active
from torch.autograd.function import once_differentiable
from torch.utils._python_dispatch import _get_current_dispatch_mode

from lightning_snn.core import checks
from lightning_snn.ops import backend
from lightning_snn.ops.compiler.call import Call
from lightning_snn.ops.event_sum import event_outer

PACKAGE = "lightning_snn.ops.compiler"


def run(call: Call) -> list[Tensor]:
    """Spikes ``[T, B, N]``, the state after the last step, and recorded sequences ``[T, B, N]``.

    Where nobody watches there is no operator: its lists of tensors take as long as a small scan.
    """
    if is_watched((*call.inputs, *call.state)):
        return neuron_scan(*call[:-1])  # type: ignore[no-any-return]
    if call.backward and call.coupling is not None:
        return [*_Coupled.apply(call, call.before, call.coupling, *call.inputs, *call.state, *call.constants)]
    if call.backward:
        first, *others = call.inputs
        first = first if call.held is None else call.held
        return [*_Scan.apply(call, first, *others, *call.state, *call.constants)]
    with torch.no_grad():
        return _forward(call)


def is_watched(tensors: Iterable[Tensor]) -> bool:
    """Whether somebody sees the operators that run on these, such as a compiler or a tensor's own class."""
    seen = checks.is_recorded() or _get_current_dispatch_mode() or _are_functorch_transforms_active()
    return bool(seen) or any(type(x) is not Tensor for x in tensors)


def differentiates(*tensors: Tensor) -> bool:
    """Whether there are kernels for the gradient of neurons that send to each other: on a CPU, unwatched."""
    return tensors[0].device.type == "cpu" and not is_watched(tensors)


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
    return _gradients(Call(inputs, state, constants, backward=backward), grads)


def _gradients(call: Call, grads: Sequence[Tensor | None]) -> list[Tensor]:
    found: list[Tensor] = backend.kernels(PACKAGE, call.inputs[0].device).backward(call, grads)
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


def _differentiate(ctx: Any, grads: Sequence[Tensor | None]) -> tuple[Any, ...]:
    """Gradients of inputs, state and constants, in three lists; none of the other arguments."""
    inputs, state, constants = _split(ctx.saved_tensors, ctx.counts)
    got = neuron_scan_backward(list(grads[: 1 + len(state)]), inputs, state, constants, ctx.key)
    return (*_by_place(ctx.key, got, ctx.counts, constants), *(None for _ in Call._fields[3:-1]))


def _split(saved: Iterable[Tensor], counts: Sequence[int]) -> list[list[Tensor]]:
    """Inputs, state and constants."""
    tensors = iter(saved)
    return [[next(tensors) for _ in range(count)] for count in counts]


def _by_place(
    key: str, got: Sequence[Tensor], counts: Sequence[int], constants: Sequence[Tensor]
) -> tuple[list[Tensor | None], ...]:
    """The gradients that kernels gave in three lists, of inputs, state and constants."""
    found = dict(zip(key.split()[1:], got, strict=True))
    inputs, state, each = (
        [found.get(f"{x}{k}") for k in range(n)] for x, n in zip("isp", counts, strict=True)
    )
    return inputs, state, [_summed(grad, value) for grad, value in zip(each, constants, strict=True)]


class _Scan(torch.autograd.Function):
    """The operator's gradient, without its lists."""

    @staticmethod
    def forward(ctx: Any, call: Call, *tensors: Tensor) -> tuple[Tensor, ...]:
        _keep(ctx, call, None)
        ctx.held = None if call.held is None else tensors[0].detach()
        return tuple(_forward(call))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        inputs, state, constants = _split(ctx.saved_tensors, ctx.counts)
        call = Call(inputs, state, constants, backward=ctx.key, held=ctx.held)
        got = _gradients(call, grads[: 1 + len(state)])
        to_inputs, to_state, to_constants = _by_place(ctx.key, got, ctx.counts, constants)
        return None, *to_inputs, *to_state, *to_constants


class _Coupled(torch.autograd.Function):
    """The same for neurons that send to each other; it passes through the spikes that they send."""

    @staticmethod
    def forward(ctx: Any, call: Call, *tensors: Tensor) -> tuple[Tensor, ...]:
        spikes, *others = _forward(call)
        ctx.counts, ctx.key = [len(x) for x in call[:3]], call.backward
        ctx.save_for_backward(spikes, *tensors)
        ctx.set_materialize_grads(False)
        return spikes, *others

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        spikes, before, coupling, *saved = ctx.saved_tensors
        inputs, state, constants = _split(saved, ctx.counts)
        call = Call(inputs, state, constants, before, coupling, backward=ctx.key)
        kernels = backend.kernels(PACKAGE, spikes.device)
        *got, to_before = kernels.backward_coupled(call, spikes, grads[: 1 + len(state)])
        to_inputs, to_state, to_constants = _by_place(ctx.key, got, ctx.counts, constants)
        to_rows, to_current = None, to_inputs[0]
        if ctx.needs_input_grad[2] and to_current is not None:
            to_rows = event_outer(before, to_current[0])
            to_rows += event_outer(spikes[:-1].flatten(0, 1), to_current[1:].flatten(0, 1))
        return None, to_before, to_rows, *to_inputs, *to_state, *to_constants


def _summed(grad: Tensor | None, like: Tensor) -> Tensor | None:
    """The gradient ``[B, N]`` of a constant in the form of the constant."""
    if grad is None:
        return None
    return (grad.sum() if like.numel() == 1 else grad.sum(0)).reshape(like.shape).to(like)


neuron_scan.register_autograd(_differentiate, setup_context=_keep)
for _device in ("cpu", "cuda"):
    neuron_scan.register_autocast(_device, torch.float32)
