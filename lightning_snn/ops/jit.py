"""How the CPU kernels are compiled."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

from lightning_snn.ops.kernel_cache import keep_on_disk


def jit(function: Callable[..., Any]) -> Any:
    """Compile with numba, at the first call, without the GIL, and keep the result on disk where possible.

    No ``fastmath``: the order of the operations is the reference's, so that the bits are. The cache notices
    changes of the file that holds ``function``, not of compiled functions and constants that it takes from
    other files: after changing one, delete the cache (the tests keep one for each state of the sources).

    What lets LLVM use vector instructions: inner loops in functions of their own, over contiguous slices from
    index 0, with no branch but the choice between two values. A float literal is float64: write
    ``x.dtype.type(0.5)``.
    """
    compiled = numba.njit(function, nogil=True, error_model="numpy")
    keep_on_disk(compiled, function)
    return compiled


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


def owned(values: Tensor) -> Tensor:
    """A contiguous copy, made by this thread: waking torch's others takes longer than copying a state."""
    return torch.from_numpy(values.detach().numpy().copy())


def owned_gradient(gradient: Tensor | None, like: Tensor) -> Tensor:
    """As `owned`; zeros where nothing depends on the state."""
    if gradient is None:
        return torch.from_numpy(np.zeros(tuple(like.shape), like.detach().numpy().dtype))
    return owned(gradient)


@jit
def collect(spikes, fired):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
    """Write the numbers of the nodes that are not silent, in ascending order; returns how many there are."""
    count = 0
    for j in range(len(spikes)):
        fired[count] = j
        count += spikes[j] != 0  # without a branch: four times as fast at a tenth of the nodes
    return count


@jit
def add_rows(rows, spikes, fired, count, total):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
    """Set ``total`` to the sum of the rows of the nodes that fired times their spikes, in their order.

    A row times 1 keeps its bits, so where all sent 1 nothing is multiplied.
    """
    ones = 0
    for k in range(count):
        ones += spikes[fired[k]] == 1
    total[:] = 0
    if ones == count:
        _add(rows, fired, count, total)
    else:
        for k in range(count):
            row, sent = rows[fired[k]], spikes[fired[k]]
            for i in range(len(total)):
                total[i] = total[i] + sent * row[i]


@jit
def _add(rows, fired, count, total):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    k = 0
    while k + 4 <= count:
        one, two, three, four = rows[fired[k]], rows[fired[k + 1]], rows[fired[k + 2]], rows[fired[k + 3]]
        for i in range(len(total)):
            total[i] = (((total[i] + one[i]) + two[i]) + three[i]) + four[i]
        k += 4
    while k < count:
        one = rows[fired[k]]
        for i in range(len(total)):
            total[i] = total[i] + one[i]
        k += 1


@jit
def furthest(values, thresholds, low, high):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
    """The first of the units ``low .. high - 1`` that lies furthest above its threshold, or least below.

    By numbers: a slice costs as much as a few units, of which a group may have only one.
    """
    winner = low
    for i in range(low + 1, high):
        if values[i] - thresholds[i] > values[winner] - thresholds[winner]:
            winner = i
    return winner
