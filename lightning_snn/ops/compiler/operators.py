"""What torch's operators are as expressions: the table of what the compiler understands."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from lightning_snn.ops.compiler.expression import LOGIC, TORCH, Expression, make, number

Rule = Callable[..., Expression]

POWERS = tuple(k / 2 for k in range(-8, 9))
"""Exponents; the gradients of -1 and 0.5 need -2 and -0.5."""


def _power(x: Expression, exponent: Any) -> Expression:
    if isinstance(exponent, Expression) or exponent not in POWERS:
        raise NotImplementedError("a power other than half numbers from -4 to 4")
    if exponent < 0:
        return make("div", 1.0, _power(x, -exponent))
    if exponent in (0, 1):
        return x if exponent == 1 else number(1.0)
    return make("sqrt", x) if exponent == 0.5 else make("mul", _power(x, exponent - 1), x)


def _bound(x: Expression, low: Any = None, high: Any = None) -> Expression:
    """NaN stays NaN, as in torch."""
    if low is not None:
        x = make("where", make("lt", x, low), low, x)
    return x if high is None else make("where", make("gt", x, high), high, x)


def _copy(x: Expression, dtype: torch.dtype | None = None, **_: Any) -> Expression:
    if dtype is torch.bool:
        return x if x.is_truth else make("ne", x, 0.0)
    if dtype is not None and not dtype.is_floating_point and not x.is_truth:
        raise NotImplementedError(f"the conversion to {dtype}")
    return make("cast", x)


def _scaled(op: str) -> Rule:
    def rule(x: Any, y: Any, alpha: float = 1) -> Expression:
        return make(op, x, y if alpha == 1 else make("mul", y, alpha))

    return rule


def _sign(x: Expression) -> Expression:
    return make("sub", make("gt", x, 0.0), make("lt", x, 0.0))


def _sigmoid(x: Expression) -> Expression:
    return make("div", 1.0, make("add", make("exp", make("neg", x)), 1.0))


def _log1p(x: Expression) -> Expression:
    """What rounding ``1 + x`` loses is in the quotient. Source: Kahan's note on the HP-15C."""
    rounded = make("add", x, 1.0)
    exact = make("div", make("mul", make("log", rounded), x), make("sub", rounded, 1.0))
    same = make("or", make("eq", rounded, 1.0), make("eq", rounded, math.inf))
    return make("where", same, x, exact)


def _expm1(x: Expression) -> Expression:
    """As `_log1p`; where ``exp(x)`` is 1, 0 or infinite there is nothing to correct."""
    e = make("exp", x)
    less = make("sub", e, 1.0)
    plain = make("or", make("eq", less, -1.0), make("gt", x, 32.0))
    exact = make("div", make("mul", less, x), make("log", e))
    return make("where", make("eq", e, 1.0), x, make("where", plain, less, exact))


def _named(op: str) -> Rule:
    return lambda *args: make(op, *args)


def _constant(value: float) -> Rule:
    return lambda *_, **__: number(value)


_SAME = ("detach", "alias", "clone", "lift_fresh_copy", "expand", "view")

RULES: Mapping[str, Rule] = {name: _named(name) for name in TORCH} | {
    **{f"{kind}_{name}": _named(name) for kind in ("logical", "bitwise") for name in LOGIC},
    **{f"__{name}__": _named(name) for name in ("and", "or")},
    "add": _scaled("add"),
    "sub": _scaled("sub"),
    "rsub": lambda x, y, alpha=1: _scaled("sub")(y, x, alpha),
    "pow": _power,
    "reciprocal": lambda x: make("div", 1.0, x),
    "rsqrt": lambda x: make("div", 1.0, make("sqrt", x)),
    "square": lambda x: make("mul", x, x),
    "clamp": _bound,
    "clamp_min": _bound,
    "clamp_max": lambda x, high: _bound(x, high=high),
    "relu": lambda x: _bound(x, 0.0),
    "maximum": _bound,
    "minimum": lambda x, y: _bound(x, high=y),
    "masked_fill": lambda x, c, value: make("where", c, value, x),
    "sgn": _sign,
    "sign": _sign,
    "sigmoid": _sigmoid,
    "log1p": _log1p,
    "expm1": _expm1,
    "threshold_backward": lambda g, x, low: make("where", make("le", x, low), 0.0, g),
    "sigmoid_backward": lambda g, y: make("mul", g, make("mul", make("sub", 1.0, y), y)),
    "tanh_backward": lambda g, y: make("mul", g, make("sub", 1.0, make("mul", y, y))),
    "_to_copy": _copy,
    "to": lambda x, *args, **_: _copy(x, next((a for a in args if isinstance(a, torch.dtype)), None)),
    "copy": lambda _, x, *__: x,
    "fill": lambda _, value: make("add", value, 0.0),
    "scalar_tensor": lambda value, **_: number(value),
    "full_like": lambda _, value, **__: number(value),
    "new_full": lambda _, __, value, **___: number(value),
    "full": lambda _, value, **__: number(value),
    **{name: _constant(0.0) for name in ("zeros_like", "new_zeros", "zeros", "empty_like")},
    **{name: _constant(1.0) for name in ("ones_like", "new_ones", "ones")},
    **{name: lambda x, *_, **__: x for name in _SAME},
}
"""By the name of the operator, in place or not; those of truth values are told apart by their arguments."""

OF_CONSTANTS = (
    "acos", "asin", "atan", "atan2", "cosh", "erf", "exp2", "expm1", "log10", "log1p", "log2", "pow",
    "remainder", "sinh", "tan", "trunc",
)  # fmt: skip
"""What only torch computes: of constants, before the time loop."""
