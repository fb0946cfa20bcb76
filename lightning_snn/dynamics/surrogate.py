"""Spikes with a gradient: a step function forward, a smooth bump backward."""

from collections.abc import Callable
from typing import Any, Literal, get_args

import torch
from torch import Tensor

Surrogate = Literal["atan", "fast_sigmoid", "triangle"]


def atan(x: Tensor) -> Tensor:
    """Derivative of ``arctan(pi x) / pi``. Source: Fang et al. (2021), PLIF, eq. 9 with alpha = 2."""
    return 1 / (1 + (torch.pi * x) ** 2)


def fast_sigmoid(x: Tensor) -> Tensor:
    """Derivative of ``x / (1 + 10 |x|)``. Source: Zenke and Ganguli (2018), SuperSpike."""
    return 1 / (1 + 10 * x.abs()) ** 2


def triangle(x: Tensor) -> Tensor:
    """``max(0, 1 - |x|)``. Source: Bellec et al. (2018), Long short-term memory in spiking networks."""
    return (1 - x.abs()).clamp_min(0)


_DERIVATIVES: dict[str, Callable[[Tensor], Tensor]] = {
    "atan": atan,
    "fast_sigmoid": fast_sigmoid,
    "triangle": triangle,
}
assert set(_DERIVATIVES) == set(get_args(Surrogate))


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, surrogate: str) -> Tensor:
        ctx.save_for_backward(x)
        ctx.derivative = _DERIVATIVES[surrogate]
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return grads[0] * ctx.derivative(x), None


def spike(x: Tensor, surrogate: Surrogate = "atan") -> Tensor:
    """1 where ``x >= 0``, else 0; its gradient is that of the named surrogate.

    Args:
        x: Distance to threshold, any shape, in units of the threshold.
        surrogate: ``atan``, ``fast_sigmoid`` or ``triangle``.

    >>> spike(torch.tensor([-0.1, 0.0, 2.0])).tolist()
    [0.0, 1.0, 1.0]
    """
    result: Tensor = _Spike.apply(x, surrogate)
    return result


def names() -> tuple[str, ...]:
    """The surrogates that `spike` knows."""
    return tuple(_DERIVATIVES)


def number(surrogate: str) -> int:
    """Its place among `names`, by which kernels know it: they compare no strings."""
    return names().index(surrogate)
