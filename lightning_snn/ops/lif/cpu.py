"""Leaky integrate-and-fire populations over time, in numba: the reference's bits, block by block.

A block is a part of one sample's neurons: its state stays in the cache while time runs, and the backward
pass recomputes its potentials there, so that the forward pass keeps nothing but its input.
"""

from typing import Any

from torch import Tensor

from lightning_snn.dynamics import surrogate as surrogates
from lightning_snn.dynamics.lif import LIFFactors
from lightning_snn.ops import parallel
from lightning_snn.ops.jit import array, owned, owned_gradient, rows, strided, table
from lightning_snn.ops.lif import kernels

BLOCK = 2**13
"""Most neurons in a block: the longer, the better memory streams."""
SCRATCH = 2**19
"""Bytes that a block's recomputed potentials may take: half of a core's second-level cache."""


def scan(
    current: Tensor, v: Tensor, clock: Tensor, adaptation: Tensor, factors: Tensor, reset: str
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Spikes ``[T, B, N]`` and the state after the last step."""
    spikes = current.new_empty(current.shape)
    end = (owned(v), owned(clock), owned(adaptation))
    current, out = rows(current, factors), rows(spikes, factors)
    _, batch, nodes = out.shape
    block = min(BLOCK, nodes)
    f = _named(factors)
    arguments = (
        *strided(current), *_state(*end, f, batch), f, reset == "soft", block, out.numpy()
    )  # fmt: skip
    parallel.split(batch * -(-nodes // block), lambda first, last: kernels.scan(*arguments, first, last))
    return spikes, *end


def scan_sheet(
    current: Tensor,
    v: Tensor,
    clock: Tensor,
    adaptation: Tensor,
    spikes: Tensor,
    coupling: Tensor,
    factors: Tensor,
    reset: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """As `scan`, each neuron sending its row of ``coupling`` one step after a spike."""
    found = current.new_empty(current.shape)
    end = (owned(v), owned(clock), owned(adaptation))
    arguments = (
        *strided(current), *map(array, end), _named(factors), reset == "soft", array(spikes),
        array(coupling), found.numpy(),
    )  # fmt: skip
    parallel.split(len(v), lambda first, last: kernels.scan_sheet(*arguments, first, last))
    return found, *end


def scan_backward(
    grad_spikes: Tensor,
    grad_v: Tensor | None,
    grad_adaptation: Tensor | None,
    current: Tensor,
    v: Tensor,
    clock: Tensor,
    adaptation: Tensor,
    factors: Tensor,
    reset: str,
    surrogate: str,
    rises: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of current ``[T, B, N]``, potential and, if it ``rises``, threshold ``[B, N]``."""
    grad_current = current.new_empty(current.shape)
    grad_v, grad_adaptation = owned_gradient(grad_v, v), owned_gradient(grad_adaptation, adaptation)
    current, grad_spikes, out = (rows(x, factors) for x in (current, grad_spikes, grad_current))
    steps, batch, nodes = out.shape
    block = min(max(16, SCRATCH // (steps * current.element_size())), BLOCK, nodes)
    f = _named(factors)
    arguments = (
        *strided(grad_spikes), *_as_rows(batch, grad_v, grad_adaptation), *strided(current),
        *_state(v, clock, adaptation, f, batch), f, reset == "soft", surrogates.number(surrogate),
        rises, block, out.numpy(),
    )  # fmt: skip
    parallel.split(
        batch * -(-nodes // block), lambda first, last: kernels.scan_backward(*arguments, first, last)
    )
    return grad_current, grad_v, grad_adaptation


def _named(factors: Tensor) -> LIFFactors:
    """Rows ``[8, 1]`` or ``[8, N]`` by name, as numbers or arrays."""
    return LIFFactors(*table(factors))


def _state(v: Tensor, clock: Tensor, adaptation: Tensor, f: LIFFactors, batch: int) -> tuple[Any, ...]:
    """The state as arrays; no clock and adaptation where no neuron is or becomes refractory or adapted."""
    x, k, a = _as_rows(batch, v, clock, adaptation)
    if f.refractory_steps.any() or f.adaptation.any() or k.any() or a.any():
        return x, k, a
    return x, None, None


def _as_rows(batch: int, *values: Tensor) -> tuple[Any, ...]:
    return tuple(array(value).reshape(batch, -1) for value in values)
