"""Izhikevich populations over time: alone, and coupled in a sheet."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.dynamics.izhikevich import IzhikevichState
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.ops import backend
from lightning_snn.ops.izhikevich import reference
from lightning_snn.ops.sequence import check_coupling, check_factors, check_sequence, check_state

__all__ = ["izhikevich_scan", "izhikevich_sheet_scan"]


def izhikevich_scan(
    current: Tensor,
    state: IzhikevichState,
    factors: Tensor,
    *,
    dt: float,
    clip_peak: bool,
    surrogate: Surrogate,
) -> tuple[Tensor, IzhikevichState]:
    """`lightning_snn.dynamics.izhikevich.izhikevich_step` over time.

    Args:
        current: Input ``[T, B, N]``; computed in the number format of the state.
        state: State before the first step.
        factors: a, b, c, d, ``[4, 1]`` or ``[4, N]``; where they need a gradient, the plain loop runs.
        dt: Step in ms.
        clip_peak: Limit v to 30 mV before each use.
        surrogate: Gradient of the spike.

    Returns:
        Spikes ``[T, B, N]`` in {0, 1} and the state after the last step.

    Raises:
        ValueError: if ``current`` is not ``[T, B, N]`` with no empty dimension, or the state or the factors
            are not of its B and N.
    """
    check_sequence(current)
    check_state(current, state, IzhikevichState)
    check_factors(factors, current)
    current, factors = current.to(state.v.dtype), factors.to(state.v)

    def plain() -> tuple[Tensor, IzhikevichState]:
        return reference.scan(current, state, factors, dt, clip_peak, surrogate)

    def fused() -> tuple[Tensor, IzhikevichState]:
        spikes, v, u = _scan(current, *state, factors, dt, clip_peak, surrogate)
        return spikes, IzhikevichState(v, u)

    return plain() if factors.requires_grad else backend.run(__name__, current.device, fused, plain)


def izhikevich_sheet_scan(
    current: Tensor,
    state: IzhikevichState,
    spikes: Tensor,
    coupling: Tensor,
    factors: Tensor,
    *,
    dt: float,
    clip_peak: bool,
    surrogate: Surrogate,
) -> tuple[Tensor, IzhikevichState]:
    """`izhikevich_scan` of neurons that also send to each other, one step after a spike.

    Where an input needs a gradient, the plain loop runs; none passes through the spikes that neurons send.

    Args:
        current: Outer input ``[T, B, N]``.
        state: State before the first step.
        spikes: Spikes ``[B, N]`` of the step before the first.
        coupling: Row j ``[N]`` is what a spike of neuron j adds to the input of each.
        factors: As in `izhikevich_scan`.
        dt: Step in ms.
        clip_peak: As in `izhikevich_scan`.
        surrogate: As in `izhikevich_scan`.

    Returns:
        As `izhikevich_scan`.

    Raises:
        ValueError: as `izhikevich_scan`.
    """
    check_sequence(current)
    check_state(current, state, IzhikevichState)
    check_factors(factors, current)
    check_coupling(spikes, coupling, current)
    dtype = state.v.dtype
    current, spikes, coupling, factors = (x.to(dtype) for x in (current, spikes, coupling, factors))

    def plain() -> tuple[Tensor, IzhikevichState]:
        return reference.scan_sheet(current, state, spikes, coupling, factors, dt, clip_peak, surrogate)

    def fused() -> tuple[Tensor, IzhikevichState]:
        found, v, u = _scan_sheet(current, *state, spikes, coupling, factors, dt, clip_peak)
        return found, IzhikevichState(v, u)

    if torch.is_grad_enabled() and any(x.requires_grad for x in (current, *state, coupling, factors)):
        return plain()
    return backend.run(__name__, current.device, fused, plain)


@torch.library.custom_op("lightning_snn::izhikevich_scan", mutates_args=())
def _scan(
    current: Tensor, v: Tensor, u: Tensor, factors: Tensor, dt: float, clip_peak: bool, surrogate: str
) -> tuple[Tensor, Tensor, Tensor]:
    del surrogate  # of the backward pass
    found: tuple[Tensor, Tensor, Tensor] = backend.kernels(__name__, current.device).scan(
        current, v, u, factors, dt, clip_peak
    )
    return found


@torch.library.custom_op("lightning_snn::izhikevich_sheet_scan", mutates_args=())
def _scan_sheet(
    current: Tensor,
    v: Tensor,
    u: Tensor,
    spikes: Tensor,
    coupling: Tensor,
    factors: Tensor,
    dt: float,
    clip_peak: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    found: tuple[Tensor, Tensor, Tensor] = backend.kernels(__name__, current.device).scan_sheet(
        current, v, u, spikes, coupling, factors, dt, clip_peak
    )
    return found


@_scan.register_fake
@_scan_sheet.register_fake
def _(current: Tensor, v: Tensor, u: Tensor, *_: Any) -> tuple[Tensor, ...]:
    return current.new_empty(current.shape), v.clone(), u.clone()


@torch.library.custom_op("lightning_snn::izhikevich_scan_backward", mutates_args=())
def _scan_backward(
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
    found: tuple[Tensor, Tensor, Tensor] = backend.kernels(__name__, current.device).scan_backward(
        grad_spikes, grad_v, grad_u, current, v, u, factors, dt, clip_peak, surrogate
    )
    return found


@_scan_backward.register_fake
def _(
    _spikes: Tensor, _v: Any, _u: Any, current: Tensor, v: Tensor, u: Tensor, *_: Any
) -> tuple[Tensor, ...]:
    return current.new_empty(current.shape), torch.empty_like(v), torch.empty_like(u)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    del output
    *tensors, ctx.dt, ctx.clip_peak, ctx.surrogate = inputs
    ctx.save_for_backward(*tensors)
    ctx.set_materialize_grads(False)


def _differentiate(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
    spikes, *state = grads
    if spikes is None:
        spikes = torch.zeros_like(ctx.saved_tensors[0])
    found = _scan_backward(spikes, *state, *ctx.saved_tensors, ctx.dt, ctx.clip_peak, ctx.surrogate)
    return *found, None, None, None, None


_scan.register_autograd(_differentiate, setup_context=_keep)
for _device in ("cpu", "cuda"):
    _scan.register_autocast(_device, torch.float32)
    _scan_sheet.register_autocast(_device, torch.float32)
