"""A leaky sum over time: exponentially decaying currents and traces."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.ops import backend
from lightning_snn.ops.exponential_filter import reference
from lightning_snn.ops.sequence import check_formats, check_part, check_sequence

__all__ = ["exponential_filter"]


def exponential_filter(current: Tensor, start: Tensor, decay: float) -> Tensor:
    """``y_t = decay y_(t-1) + x_t`` over time.

    It is linear, so its gradient is the same filter run backwards; nothing is kept for it.

    Args:
        current: x, ``[T, B, N]``; computed in the number format of ``start``.
        start: y before the first step ``[B, N]``.
        decay: Factor ``exp(-dt / tau)`` of a step, from 0 to 1.

    Returns:
        y, ``[T, B, N]``; the last step is what to go on from.

    Raises:
        ValueError: if ``current`` is not ``[T, B, N]`` with no empty dimension, ``start`` not ``[B, N]``, or
            ``decay`` does not lie in 0 to 1.

    >>> exponential_filter(torch.tensor([[[1.0]], [[0.0]]]), torch.zeros(1, 1), 0.5).flatten()
    tensor([1.0000, 0.5000])
    """
    check_sequence(current)
    checks.between("decay", decay, 0, 1)
    check_formats("start", {"start": start})
    check_part("start", start, current.shape[1:], like=current)
    current = current.to(start.dtype)

    def fused() -> Tensor:
        filtered: Tensor = _filter(current, start, decay, False)
        return filtered

    return backend.run(
        __name__, current.device, fused, lambda: reference.exponential_filter(current, start, decay)
    )


@torch.library.custom_op("lightning_snn::exponential_filter", mutates_args=())
def _filter(current: Tensor, start: Tensor, decay: float, reverse: bool) -> Tensor:
    filtered: Tensor = backend.kernels(__name__, current.device).exponential_filter(
        current, start, decay, reverse
    )
    return filtered


@_filter.register_fake
def _(current: Tensor, start: Tensor, decay: float, reverse: bool) -> Tensor:
    del start, decay, reverse
    return current.new_empty(current.shape)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    del output
    _, _, ctx.decay, ctx.reverse = inputs


def _differentiate(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    back = _filter(grad, torch.zeros_like(grad[0]), ctx.decay, not ctx.reverse)
    return back, ctx.decay * back[-1 if ctx.reverse else 0], None, None


_filter.register_autograd(_differentiate, setup_context=_keep)
for _device in ("cpu", "cuda"):
    _filter.register_autocast(_device, torch.float32)
