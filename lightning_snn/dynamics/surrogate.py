"""Spikes with a gradient: a step function forward, a smooth bump of the distance to threshold backward.

| surrogate | derivative at the distance x, with the slope a | default a | area | source |
|---|---|---|---|---|
| `atan` | a/2 / (1 + (pi/2 a x)^2) | 2 | 1 | Fang et al. (2021), PLIF |
| `fast_sigmoid` | 1 / (1 + a abs(x))^2 | 10 | 2/a | Zenke and Ganguli (2018), SuperSpike |
| `sigmoid` | a s (1 - s), s = 1 / (1 + exp(-a x)) | 4 | 1 | Zenke and Vogels (2021) |
| `triangle` | a max(0, 1 - a abs(x)) | 1 | 1 | Bellec et al. (2018), LSNN |
| `multi_gaussian` | 1.15 g(0, 1/a) - 0.15 (g(1/a, 6/a) + g(-1/a, 6/a)) | 2 | 0.85 | Yin et al. (2021) |
| `straight_through` | 1 | none | infinite | Bengio et al. (2013) |

``g(m, w)`` is the density at x of a Gaussian of mean m and deviation w. The slope scales the distance and
keeps the area, but for `fast_sigmoid`, which is 1 at threshold. A function of one's own takes the distances
and gives the derivative at each; it is given as such, or by its dotted path, as in YAML.
"""

import math
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from lightning_snn.core import checks

Derivative = Callable[[Tensor], Tensor]
"""The gradient of a spike as a function of the distance to threshold, elementwise."""

SurrogateName = Literal["atan", "fast_sigmoid", "sigmoid", "triangle", "multi_gaussian", "straight_through"]

Surrogate = SurrogateName | str | Callable[..., Any]
"""A name, the dotted path of a `Derivative`, or one itself; any callable, for a command line looks for
classes to offer where it sees what one returns.
"""


def atan(x: Tensor, slope: float | Tensor = 2.0) -> Tensor:
    """Derivative of ``arctan(pi/2 slope x) / pi``. Source: Fang et al., ICCV (2021), PLIF, eq. 9."""
    return slope / 2 / (1 + (torch.pi / 2 * slope * x) ** 2)


def fast_sigmoid(x: Tensor, slope: float | Tensor = 10.0) -> Tensor:
    """Derivative of ``x / (1 + slope |x|)``. Source: Zenke and Ganguli, Neural Comput. 30 (2018)."""
    return 1 / (1 + slope * x.abs()) ** 2


def sigmoid(x: Tensor, slope: float | Tensor = 4.0) -> Tensor:
    """Derivative of the logistic ``s(slope x)``. Source: Zenke and Vogels, Neural Comput. 33 (2021)."""
    rest = torch.sigmoid(-slope * x.abs())  # as exact on either side
    return slope * rest * (1 - rest)


def triangle(x: Tensor, slope: float | Tensor = 1.0) -> Tensor:
    """``slope max(0, 1 - slope |x|)``: 0 from ``1 / slope`` on. Source: Bellec et al., NeurIPS (2018)."""
    return slope * (1 - slope * x.abs()).clamp_min(0)


def multi_gaussian(x: Tensor, slope: float | Tensor = 2.0) -> Tensor:
    """A Gaussian of deviation ``1 / slope`` less two wide ones, so that it is below 0 far from threshold.

    Source: Yin, Corradi and Bohte, Nat. Mach. Intell. 3 (2021), with their h = 0.15, s = 6 and deviation 0.5;
    their program halves it.
    """
    height, spread = 0.15, 6.0
    y = slope * x
    near = torch.exp(-0.5 * y**2)
    far = torch.exp(-0.5 * ((y - 1) / spread) ** 2) + torch.exp(-0.5 * ((y + 1) / spread) ** 2)
    return slope / math.sqrt(2 * math.pi) * ((1 + height) * near - height / spread * far)


def straight_through(x: Tensor) -> Tensor:
    """1 at any distance. Source: Bengio, Léonard and Courville, arXiv:1308.3432 (2013)."""
    return torch.ones_like(x)


_BY_NAME: dict[str, Callable[..., Tensor]] = {
    function.__name__: function
    for function in (atan, fast_sigmoid, sigmoid, triangle, multi_gaussian, straight_through)
}
assert tuple(_BY_NAME) == get_args(SurrogateName)

_BY_PATH: dict[str, Derivative] = {}


class _Spike(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, derivative: Derivative) -> Tensor:
        del derivative  # of the backward pass
        return (x >= 0).to(x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Derivative], output: Tensor) -> None:
        del output
        x, ctx.derivative = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        near = ctx.derivative(x)
        if not isinstance(near, Tensor) or near.shape != x.shape:
            given = f"shape {list(near.shape)}" if isinstance(near, Tensor) else repr(near)
            raise ValueError(
                "surrogate must give the derivative at every distance, a tensor of their shape "
                f"{list(x.shape)}, got {given} from {ctx.derivative!r}"
            )
        return grads[0] * near, None


def spike(x: Tensor, surrogate: Surrogate = "atan", slope: float | Tensor | None = None) -> Tensor:
    """1 where ``x >= 0``, else 0; its gradient is that of the surrogate, and so are further ones.

    Args:
        x: Distance to threshold, any shape, in units of the threshold.
        surrogate: A name in the table of this module, a function of the distances that gives the derivative
            at each, or the dotted path of one.
        slope: How steep it is, per unit of the distance; by default the surrogate's own.

    Raises:
        ValueError: as `resolve`; in the backward pass, if a function of one's own gives another shape.

    >>> spike(torch.tensor([-0.1, 0.0, 2.0])).tolist()
    [0.0, 1.0, 1.0]
    """
    result: Tensor = _Spike.apply(x, resolve(surrogate, slope))
    return result


def resolve(surrogate: Surrogate, slope: float | Tensor | None = None) -> Derivative:
    """The derivative as a function of the distance alone.

    Args:
        surrogate: As in `spike`; what a path leads to is kept.
        slope: As there.

    Raises:
        ValueError: if there is no such surrogate, its path cannot be imported, or the slope is not above 0 or
            given to one that has none.

    >>> resolve("triangle", 2.0)(torch.tensor([-0.5, 0.0, 0.25])).tolist()
    [0.0, 2.0, 1.0]
    """
    known = _BY_NAME.get(surrogate) if isinstance(surrogate, str) else None
    derivative = known or _own(surrogate)
    if slope is None:
        return derivative
    if known is None or known is straight_through:
        raise ValueError(
            f"slope must be left out for surrogate {surrogate!r}, which takes the distance alone, got {slope}"
        )
    if not isinstance(slope, Tensor):
        checks.positive("slope", slope)
    return partial(known, slope=slope)


def _own(surrogate: object) -> Derivative:
    """A function of the user's, given as such or by its path."""
    if callable(surrogate):
        return surrogate
    if not isinstance(surrogate, str) or "." not in surrogate:
        raise ValueError(
            f"surrogate must be one of {', '.join(sorted(_BY_NAME))}, or the dotted path of a function of "
            f"the distance, got {surrogate!r}"
        )
    if surrogate not in _BY_PATH:
        _BY_PATH[surrogate] = _imported(surrogate)
    return _BY_PATH[surrogate]


def _imported(path: str) -> Derivative:
    package, _, name = path.rpartition(".")
    try:
        found: Derivative = getattr(import_module(package), name)
    except Exception as cause:  # also whatever somebody's module raises
        reason = f"{type(cause).__name__}: {cause}"
        raise ValueError(f"surrogate must be importable ({reason}), got {path!r}") from cause
    if not callable(found):
        raise ValueError(f"surrogate must lead to a function of the distance, not {found!r}, got {path!r}")
    return found
