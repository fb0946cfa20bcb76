"""How the CPU kernels are compiled."""

from collections.abc import Callable
from typing import Any

import numba
import torch
from numba.extending import overload
from torch import Tensor

FLOATS = (torch.float32, torch.float64)
"""Number formats that the CPU kernels compute in."""


def jit(function: Callable[..., Any]) -> Any:
    """Compile with numba, at the first call, without the GIL, and keep the result on disk.

    No ``fastmath``: the order of the operations is the reference's, so that the bits are. The cache notices
    changes of the file that holds ``function`` only, so a kernel calls no compiled function of another file.

    What lets LLVM use vector instructions: inner loops in functions of their own, over contiguous slices from
    index 0, with no branch but the choice between two values. A float literal is float64: write
    ``x.dtype.type(0.5)``.
    """
    return numba.njit(function, cache=True, nogil=True, error_model="numpy")


def strided(sequence: Tensor) -> tuple[Any, int, int]:
    """A sequence ``[T, B, N]`` as a flat array and the strides of time and batch.

    Neither an expanded time axis (a constant current) nor a transposed one is copied.
    """
    sequence = sequence.detach()
    if sequence.stride(2) != 1 and sequence.shape[2] > 1:
        sequence = sequence.contiguous()
    time, batch, _ = sequence.stride()
    steps, samples, nodes = sequence.shape
    span = (steps - 1) * time + (samples - 1) * batch + nodes
    return sequence.as_strided((span,), (1,)).numpy(), time, batch


def array(values: Tensor) -> Any:
    """A contiguous array that shares the tensor's memory where it can."""
    return values.detach().contiguous().numpy()


def rows(sequence: Tensor, factors: Tensor) -> Tensor:
    """``[T, B, N]`` as ``[T, 1, B N]`` where all neurons have the same factors ``[P, 1]``: longer rows."""
    sequence = sequence.detach()
    return sequence if factors.shape[1] > 1 else sequence.flatten(1)[:, None]


def table(factors: Tensor) -> tuple[Any, ...]:
    """Rows of ``[P, 1]`` or ``[P, N]`` as a tuple of P numbers or of P arrays; see `pick` and `part`."""
    values = factors.detach().contiguous().numpy()
    return tuple(values[:, 0]) if values.shape[1] == 1 else tuple(values)


def pick(values: Any, i: int) -> Any:
    """In a kernel: entry ``i`` of an array, or the number itself."""
    raise NotImplementedError("for compiled code")


def part(values: Any, low: int, high: int) -> Any:
    """In a kernel: entries ``low .. high - 1`` of an array, or the number itself."""
    raise NotImplementedError("for compiled code")


@overload(pick, inline="always")
def _pick(values, i):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, ARG001
    if isinstance(values, numba.types.Array):
        return lambda values, i: values[i]
    return lambda values, i: values  # noqa: ARG005


@overload(part, inline="always")
def _part(values, low, high):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, ARG001
    if isinstance(values, numba.types.Array):
        return lambda values, low, high: values[low:high]
    return lambda values, low, high: values  # noqa: ARG005
