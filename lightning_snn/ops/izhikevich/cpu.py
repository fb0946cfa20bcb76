"""Izhikevich populations over time, in numba: the reference's bits, block by block as LIF populations."""

from typing import Any

from torch import Tensor

from lightning_snn.dynamics import surrogate as surrogates
from lightning_snn.dynamics.izhikevich import izhikevich_limits
from lightning_snn.ops import parallel
from lightning_snn.ops.izhikevich import kernels
from lightning_snn.ops.jit import array, owned, owned_gradient, rows, strided, table

BLOCK = 2**13
"""Most neurons in a block."""
SCRATCH = 2**19
"""Bytes that a block's recomputed states may take: half of a core's second-level cache."""


def scan(
    current: Tensor, v: Tensor, u: Tensor, factors: Tensor, dt: float, clip_peak: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Spikes ``[T, B, N]`` and the state after the last step."""
    spikes = current.new_empty(current.shape)
    v, u = owned(v), owned(u)
    current, out = rows(current, factors), rows(spikes, factors)
    _, batch, nodes = out.shape
    block = min(BLOCK, nodes)
    state, limits = (array(x).reshape(batch, -1) for x in (v, u)), _limits(v, dt, clip_peak)
    arguments = (*strided(current), *state, table(factors), dt, limits, block, out.numpy())
    parallel.split(batch * -(-nodes // block), lambda first, last: kernels.scan(*arguments, first, last))
    return spikes, v, u


def scan_sheet(
    current: Tensor,
    v: Tensor,
    u: Tensor,
    spikes: Tensor,
    coupling: Tensor,
    factors: Tensor,
    dt: float,
    clip_peak: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """As `scan`, each neuron sending its row of ``coupling`` one step after a spike."""
    found = current.new_empty(current.shape)
    v, u = owned(v), owned(u)
    arguments = (
        *strided(current), array(v), array(u), table(factors), dt, _limits(v, dt, clip_peak),
        array(spikes), array(coupling), found.numpy(),
    )  # fmt: skip
    parallel.split(len(v), lambda first, last: kernels.scan_sheet(*arguments, first, last))
    return found, v, u


def scan_backward(
    grad_spikes: Tensor,
    grad_v: Tensor | None,
    grad_u: Tensor | None,
    current: Tensor,
    v: Tensor,
    u: Tensor,
    factors: Tensor,
    dt: float,
    clip_peak: bool,
    surrogate: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the current ``[T, B, N]`` and of the state ``[B, N]``."""
    grad_current = current.new_empty(current.shape)
    grad_v, grad_u = owned_gradient(grad_v, v), owned_gradient(grad_u, u)
    current, grad_spikes, out = (rows(x, factors) for x in (current, grad_spikes, grad_current))
    steps, batch, nodes = out.shape
    block = min(max(16, SCRATCH // (2 * steps * current.element_size())), BLOCK, nodes)
    grads, state = ((array(x).reshape(batch, -1) for x in pair) for pair in ((grad_v, grad_u), (v, u)))
    arguments = (
        *strided(grad_spikes), *grads, *strided(current), *state, table(factors), dt,
        _limits(v, dt, clip_peak), surrogates.number(surrogate), block, out.numpy(),
    )  # fmt: skip
    parallel.split(
        batch * -(-nodes // block), lambda first, last: kernels.scan_backward(*arguments, first, last)
    )
    return grad_current, grad_v, grad_u


def _limits(v: Tensor, dt: float, clip_peak: bool) -> tuple[Any, ...]:
    """`izhikevich_limits` in the number format of the state."""
    return tuple(array(v).dtype.type(limit) for limit in izhikevich_limits(dt, clip_peak))
