"""How the CPU kernels are compiled."""

from collections.abc import Callable
from typing import Any

import numba
import torch
from torch import Tensor

FLOATS = (torch.float32, torch.float64)
"""Number formats that the CPU kernels compute in."""


def jit(function: Callable[..., Any]) -> Any:
    """Compile with numba, at the first call, without the GIL, and keep the result on disk.

    No ``fastmath``: the order of the operations is the reference's, so that the bits are. The cache notices
    changes of the file that holds ``function`` only, so a kernel calls no compiled function of another file.
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
