"""Checks of arguments; each error names the argument, what was given and what is allowed."""

import math
from collections.abc import Collection
from numbers import Real

import torch
from torch import Tensor


def positive(name: str, value: float) -> None:
    """Raise ``ValueError`` unless ``value`` is a finite number above 0.

    >>> positive("dt", -1.0)
    Traceback (most recent call last):
    ValueError: dt must be a finite number above 0, got -1.0
    """
    if not (_is_number(value) and 0 < value < float("inf")):
        raise ValueError(f"{name} must be a finite number above 0, got {value}")


def number(name: str, value: object) -> None:
    """Raise ``ValueError`` unless ``value`` is one number, for arguments that hold none a neuron."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{name} must be one number, the same for all neurons, got {value}")


def constant(name: str, value: object) -> None:
    """Raise ``ValueError`` if ``value`` is a tensor that needs a gradient."""
    if isinstance(value, Tensor) and value.requires_grad:
        raise ValueError(
            f"{name} must be fixed, got a tensor that needs a gradient: give {name}.detach(), and "
            f"learn=[{name!r}] where it is to be learned"
        )


def count(name: str, value: int) -> None:
    """Raise ``ValueError`` unless ``value`` is a whole number above 0.

    >>> count("num_nodes", 2.5)
    Traceback (most recent call last):
    ValueError: num_nodes must be a whole number above 0, got 2.5
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number above 0, got {value}")


def whole(name: str, value: int) -> None:
    """Raise ``ValueError`` unless ``value`` is a whole number, 0 or above."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} must be a whole number, 0 or above, got {value}")


def flag(name: str, value: bool) -> None:
    """Raise ``ValueError`` unless ``value`` is True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")


def seed(name: str, value: int | None) -> None:
    """Raise ``ValueError`` unless ``value`` can seed a generator, or is None.

    >>> seed("seed", 0.5)
    Traceback (most recent call last):
    ValueError: seed must be a whole number, 0 or above, got 0.5
    """
    if value is not None:
        whole(name, value)


def non_negative(name: str, value: float) -> None:
    """Raise ``ValueError`` unless ``value`` is a finite number, 0 or above."""
    if not (_is_number(value) and 0 <= value < float("inf")):
        raise ValueError(f"{name} must be a finite number, 0 or above, got {value}")


def finite(name: str, value: float) -> None:
    """Raise ``ValueError`` unless ``value`` is a finite number."""
    if not (_is_number(value) and math.isfinite(value)):
        raise ValueError(f"{name} must be finite, got {value}")


def between(name: str, value: float, low: float, high: float) -> None:
    """Raise ``ValueError`` unless ``low <= value <= high``."""
    if not (_is_number(value) and low <= value <= high):
        raise ValueError(f"{name} must lie between {low} and {high}, got {value}")


def share(name: str, value: float) -> None:
    """Raise ``ValueError`` unless ``value`` is at least 0 and below 1."""
    if not _is_number(value) or not 0 <= value < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, got {value}")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) or (isinstance(value, Tensor) and value.numel() == 1)


def one_of(name: str, value: object, allowed: Collection[str]) -> None:
    """Raise ``ValueError`` unless ``value`` is one of ``allowed``."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(sorted(allowed))}, got {value!r}")


def instance(name: str, value: object, kind: type, *, such: str) -> None:
    """Raise ``ValueError`` unless ``value`` is an object of a kind, ``such`` as one.

    >>> instance("loss", "CrossEntropy", dict, such="dict()")
    Traceback (most recent call last):
    ValueError: loss must be a dict, such as dict(), got 'CrossEntropy'
    """
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise ValueError(f"{name} must be {article} {kind.__name__}, such as {such}, got {value!r}")


def is_recorded() -> bool:
    """Whether the call is being traced, exported or compiled: then nothing may depend on values."""
    tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return torch.compiler.is_compiling() or tracing


def is_transformed() -> bool:
    """Whether the call is inside a transform of ``torch.func``, such as ``grad`` or ``vmap``."""
    return not is_recorded() and torch._C._functorch.maybe_current_level() is not None


def spikes(name: str, value: Tensor, *, user: str) -> None:
    """Raise ``ValueError`` unless all entries are 0 or 1, for a ``user`` that cannot take graded values."""
    if not is_recorded() and not torch.equal(value * value, value):
        low, high = torch.aminmax(value)
        raise ValueError(
            f"{name} must be 0 or 1 for {user}, which takes no graded values such as a mean over a pool, "
            f"got values from {low.item():g} to {high.item():g}"
        )


def images(value: Tensor) -> None:
    """Raise ``ValueError`` unless ``value`` is ``[B, C, H, W]`` and floating point."""
    if value.ndim != 4 or 0 in value.shape:
        shape = list(value.shape)
        raise ValueError(f"images must be [B, C, H, W] with no empty dimension, got shape {shape}")
    if not value.is_floating_point():
        raise ValueError(f"images must be floating point, got dtype {value.dtype}")


def values(name: str, value: Tensor, *, low: float = -math.inf, high: float = math.inf, user: str) -> None:
    """Raise ``ValueError`` unless all entries are finite and lie in [low, high], as a ``user`` needs them.

    >>> values("images", torch.tensor([2.0]), low=0, high=1, user="Latency")
    Traceback (most recent call last):
    ValueError: images must hold finite values in [0, 1] for Latency, got values from 2 to 2
    """
    if is_recorded():
        return
    least, most = (limit.item() for limit in torch.aminmax(value))
    if not (low <= least and most <= high and math.isfinite(most - least)):
        limits = f" in [{low:g}, {high:g}]" if math.isfinite(high - low) else ""
        raise ValueError(
            f"{name} must hold finite values{limits} for {user}, got values from {least:g} to {most:g}"
        )


def lengths(value: Tensor, *, samples: int, steps: int) -> None:
    """Raise ``ValueError`` unless ``value`` is ``[samples]``, whole numbers from 1 to ``steps``."""
    if value.shape != (samples,) or value.is_floating_point() or value.dtype == torch.bool:
        raise ValueError(
            f"lengths must be integers [B], one for each of the {samples} sequences, "
            f"got {value.dtype} of shape {list(value.shape)}"
        )
    if is_recorded():
        return
    least, most = (limit.item() for limit in torch.aminmax(value))
    if not (least >= 1 and most <= steps):
        raise ValueError(
            f"lengths must lie in 1 to {steps}, the steps T that there are, "
            f"got lengths from {least} to {most}"
        )


def several_labels(value: Tensor, num_classes: int) -> Tensor:
    """Labels ``[B, num_classes]`` of 0 and 1, of any type, as int64.

    Raises:
        ValueError: unless they are.

    >>> several_labels(torch.tensor([[True, False]]), 2)
    tensor([[1, 0]])
    """
    if value.ndim != 2 or value.shape[1] != num_classes or not bool(((value == 0) | (value == 1)).all()):
        raise ValueError(
            f"labels must be [B, {num_classes}] (num_classes), 1 for each class that a sample is of and 0 "
            f"for the others, as the loss takes several, got {value.dtype} of shape {list(value.shape)}"
        )
    return value.to(torch.int64)


def labels(value: Tensor, num_classes: int | None = None) -> Tensor:
    """Labels ``[B]`` of any integer type as int64.

    Raises:
        ValueError: unless every label is a whole number, in ``0 .. num_classes - 1`` where that is known.

    >>> labels(torch.tensor([0, 2], dtype=torch.int32), 3)
    tensor([0, 2])
    >>> labels(torch.eye(3), 3)
    Traceback (most recent call last):
    ValueError: labels must be the numbers of the classes, integers [B], got torch.float32 of shape [3, 3]
    """
    if value.ndim != 1 or value.is_floating_point() or value.is_complex() or value.dtype == torch.bool:
        raise ValueError(
            "labels must be the numbers of the classes, integers [B], "
            f"got {value.dtype} of shape {list(value.shape)}"
        )
    value = value.to(torch.int64)
    if num_classes is None:
        return value
    if value.numel() and not (value.min() >= 0 and value.max() < num_classes):
        raise ValueError(
            f"labels must lie in 0 to {num_classes - 1} (num_classes is {num_classes}), "
            f"got labels from {value.min().item()} to {value.max().item()}"
        )
    return value
