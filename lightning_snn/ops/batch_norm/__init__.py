"""Batch normalisation in training: two passes over the values forward, two backward."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.ops import backend
from lightning_snn.ops.batch_norm import reference

__all__ = ["batch_norm"]


def batch_norm(values: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """``weight (x - mean) / sqrt(variance + eps) + bias`` of each channel, over samples and places.

    `torch.nn.functional.batch_norm` takes twice as long on a CPU. The bits do not depend on the number of
    threads.

    Args:
        values: x, ``[n, C, P]``.
        weight: ``[C]``.
        bias: ``[C]``.
        eps: Added to the variance.

    Returns:
        The normalised values ``[n, C, P]``; mean and variance (of the values, not unbiased) ``[C]``, without
        gradients.

    >>> values, _, _ = batch_norm(torch.tensor([[[1.0]], [[3.0]]]), torch.ones(1), torch.zeros(1), 0.0)
    >>> values.flatten().tolist()
    [-1.0, 1.0]
    """

    def fused() -> tuple[Tensor, Tensor, Tensor]:
        found: tuple[Tensor, Tensor, Tensor] = _batch_norm(values, weight, bias, eps)
        return found

    return backend.run(
        __name__, values.device, fused, lambda: reference.batch_norm(values, weight, bias, eps)
    )


@torch.library.custom_op("lightning_snn::batch_norm", mutates_args=())
def _batch_norm(values: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    found: tuple[Tensor, Tensor, Tensor] = backend.kernels(__name__, values.device).forward(
        values, weight, bias, eps
    )
    return found


@_batch_norm.register_fake
def _(values: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    del bias, eps
    return values.new_empty(values.shape), torch.empty_like(weight), torch.empty_like(weight)


@torch.library.custom_op("lightning_snn::batch_norm_backward", mutates_args=())
def _backward(
    grad: Tensor, values: Tensor, weight: Tensor, mean: Tensor, variance: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    found: tuple[Tensor, Tensor, Tensor] = backend.kernels(__name__, values.device).backward(
        grad, values, weight, mean, variance, eps
    )
    return found


@_backward.register_fake
def _(
    grad: Tensor, values: Tensor, weight: Tensor, mean: Tensor, variance: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    del grad, mean, variance, eps
    return values.new_empty(values.shape), torch.empty_like(weight), torch.empty_like(weight)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    values, weight, _, ctx.eps = inputs
    ctx.mark_non_differentiable(*output[1:])
    ctx.save_for_backward(values, weight, *output[1:])


def _differentiate(ctx: Any, grad: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
    return *_backward(grad, *ctx.saved_tensors, ctx.eps), None


_batch_norm.register_autograd(_differentiate, setup_context=_keep)
