"""Leaky integrate-and-fire populations over time: alone, and coupled in a sheet."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.dynamics.lif import LIFState, Reset
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.ops import backend
from lightning_snn.ops.lif import reference
from lightning_snn.ops.sequence import check_coupling, check_factors, check_sequence, check_state

__all__ = ["lif_scan", "lif_sheet_scan"]


def lif_scan(
    current: Tensor, state: LIFState, factors: Tensor, *, reset: Reset, surrogate: Surrogate
) -> tuple[Tensor, LIFState]:
    """`lightning_snn.dynamics.lif.lif_step` over time.

    The forward pass keeps its input and no potentials; the backward pass recomputes them.

    Args:
        current: Input ``[T, B, N]``; computed in the number format of the state.
        state: State before the first step.
        factors: `lif_factors`, ``[8, 1]`` or ``[8, N]``; where they need a gradient, the plain loop runs.
        reset: ``hard`` or ``soft``.
        surrogate: Gradient of the spike.

    Returns:
        Spikes ``[T, B, N]`` in {0, 1} and the state after the last step.

    Raises:
        ValueError: if ``current`` is not ``[T, B, N]`` with no empty dimension, or the state or the factors
            are not of its B and N.
    """
    check_sequence(current)
    check_state(current, state, LIFState)
    check_factors(factors, current)
    current, factors = current.to(state.v.dtype), factors.to(state.v)
    if factors.requires_grad:
        return reference.scan(current, state, factors, reset, surrogate)

    def fused() -> tuple[Tensor, LIFState]:
        spikes, *end = _scan(current, *state, factors, reset, surrogate)
        return spikes, LIFState(*end)

    return backend.run(
        __name__, current.device, fused, lambda: reference.scan(current, state, factors, reset, surrogate)
    )


def lif_sheet_scan(
    current: Tensor,
    state: LIFState,
    spikes: Tensor,
    coupling: Tensor,
    factors: Tensor,
    *,
    reset: Reset,
    surrogate: Surrogate,
) -> tuple[Tensor, LIFState]:
    """`lif_scan` of neurons that also send to each other, one step after a spike.

    Where an input needs a gradient, the plain loop runs; none passes through the spikes that neurons send.

    Args:
        current: Outer input ``[T, B, N]``.
        state: State before the first step.
        spikes: Spikes ``[B, N]`` of the step before the first.
        coupling: Row j ``[N]`` is what a spike of neuron j adds to the input of each.
        factors: As in `lif_scan`.
        reset: As in `lif_scan`.
        surrogate: As in `lif_scan`.

    Returns:
        As `lif_scan`.

    Raises:
        ValueError: as `lif_scan`.
    """
    check_sequence(current)
    check_state(current, state, LIFState)
    check_factors(factors, current)
    check_coupling(spikes, coupling, current)
    dtype = state.v.dtype
    current, spikes, coupling, factors = (x.to(dtype) for x in (current, spikes, coupling, factors))

    def plain() -> tuple[Tensor, LIFState]:
        return reference.scan_sheet(current, state, spikes, coupling, factors, reset, surrogate)

    def fused() -> tuple[Tensor, LIFState]:
        found, *end = _scan_sheet(current, *state, spikes, coupling, factors, reset)
        return found, LIFState(*end)

    if torch.is_grad_enabled() and any(x.requires_grad for x in (current, *state, coupling, factors)):
        return plain()
    return backend.run(__name__, current.device, fused, plain)


@torch.library.custom_op("lightning_snn::lif_sheet_scan", mutates_args=())
def _scan_sheet(
    current: Tensor,
    v: Tensor,
    clock: Tensor,
    adaptation: Tensor,
    spikes: Tensor,
    coupling: Tensor,
    factors: Tensor,
    reset: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    found: tuple[Tensor, Tensor, Tensor, Tensor] = backend.kernels(__name__, current.device).scan_sheet(
        current, v, clock, adaptation, spikes, coupling, factors, reset
    )
    return found


@_scan_sheet.register_fake
def _(current: Tensor, v: Tensor, clock: Tensor, adaptation: Tensor, *_: Any) -> tuple[Tensor, ...]:
    return current.new_empty(current.shape), v.clone(), clock.clone(), adaptation.clone()


@torch.library.custom_op("lightning_snn::lif_scan", mutates_args=())
def _scan(
    current: Tensor, v: Tensor, clock: Tensor, adaptation: Tensor, factors: Tensor, reset: str, surrogate: str
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    del surrogate  # of the backward pass
    found: tuple[Tensor, Tensor, Tensor, Tensor] = backend.kernels(__name__, current.device).scan(
        current, v, clock, adaptation, factors, reset
    )
    return found


@_scan.register_fake
def _(current: Tensor, v: Tensor, clock: Tensor, adaptation: Tensor, *_: Any) -> tuple[Tensor, ...]:
    return current.new_empty(current.shape), v.clone(), clock.clone(), adaptation.clone()


@torch.library.custom_op("lightning_snn::lif_scan_backward", mutates_args=())
def _scan_backward(
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
    found: tuple[Tensor, Tensor, Tensor] = backend.kernels(__name__, current.device).scan_backward(
        grad_spikes, grad_v, grad_adaptation, current, v, clock, adaptation, factors, reset, surrogate, rises
    )
    return found


@_scan_backward.register_fake
def _(_spikes: Tensor, _v: Any, _adaptation: Any, current: Tensor, *state: Any) -> tuple[Tensor, ...]:
    v, _, adaptation = state[:3]
    return current.new_empty(current.shape), torch.empty_like(v), torch.empty_like(adaptation)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    *tensors, ctx.reset, ctx.surrogate = inputs
    ctx.save_for_backward(*tensors)
    ctx.mark_non_differentiable(output[2])
    ctx.set_materialize_grads(False)


def _differentiate(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
    spikes, v, _, adaptation = grads
    if spikes is None:
        spikes = torch.zeros_like(ctx.saved_tensors[0])
    g_current, g_v, g_adaptation = _scan_backward(
        spikes, v, adaptation, *ctx.saved_tensors, ctx.reset, ctx.surrogate, ctx.needs_input_grad[3]
    )
    return g_current, g_v, None, g_adaptation, None, None, None


_scan.register_autograd(_differentiate, setup_context=_keep)
for _device in ("cpu", "cuda"):
    _scan.register_autocast(_device, torch.float32)
    _scan_sheet.register_autocast(_device, torch.float32)
