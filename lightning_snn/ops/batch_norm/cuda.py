"""Batch normalisation in training on a GPU: torch's own."""

import torch
from torch import Tensor

from lightning_snn.ops.batch_norm import reference


def forward(values: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """See `lightning_snn.ops.batch_norm.batch_norm`."""
    return reference.batch_norm(values, weight, bias, eps)


def backward(
    grad: Tensor, values: Tensor, weight: Tensor, mean: Tensor, variance: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of values, weight and bias."""
    scale = torch.rsqrt(variance + eps)
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.native_batch_norm_backward(
        grad, values, weight, None, None, mean, scale, True, eps, [True, True, True]
    )
    return found
