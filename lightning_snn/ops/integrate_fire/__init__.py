"""Integrate-and-fire populations without a leak over time."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.dynamics.integrate_fire import IntegrateFireReset, IntegrateFireState
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.ops import backend
from lightning_snn.ops.integrate_fire import reference
from lightning_snn.ops.sequence import check_sequence, check_state

__all__ = ["integrate_fire_scan"]


def integrate_fire_scan(
    current: Tensor,
    state: IntegrateFireState,
    *,
    threshold: float,
    reset: IntegrateFireReset,
    surrogate: Surrogate,
) -> tuple[Tensor, IntegrateFireState]:
    """`lightning_snn.dynamics.integrate_fire.integrate_fire_step` over time.

    Where an input needs a gradient, the plain loop runs.

    Args:
        current: What is added to the potentials ``[T, B, N]``; computed in the number format of the state.
        state: State before the first step.
        threshold: Potential at which a neuron spikes, before its rise.
        reset: ``hard``, ``soft`` or ``none``.
        surrogate: Gradient of the spike.

    Returns:
        Spikes ``[T, B, N]`` in {0, 1} and the state after the last step.

    Raises:
        ValueError: if ``current`` is not ``[T, B, N]`` with no empty dimension, or the state is not of its B
            and N.
    """
    check_sequence(current)
    check_state(current, state, IntegrateFireState)
    current = current.to(state.v.dtype)

    def plain() -> tuple[Tensor, IntegrateFireState]:
        return reference.scan(current, state, threshold, reset, surrogate)

    def fused() -> tuple[Tensor, IntegrateFireState]:
        spikes, v = _scan(current, *state, threshold, reset)
        return spikes, IntegrateFireState(v, state.adaptation.clone())

    if torch.is_grad_enabled() and any(x.requires_grad for x in (current, *state)):
        return plain()
    return backend.run(__name__, current.device, fused, plain)


@torch.library.custom_op("lightning_snn::integrate_fire_scan", mutates_args=())
def _scan(
    current: Tensor, v: Tensor, adaptation: Tensor, threshold: float, reset: str
) -> tuple[Tensor, Tensor]:
    found: tuple[Tensor, Tensor] = backend.kernels(__name__, current.device).scan(
        current, v, adaptation, threshold, reset
    )
    return found


@_scan.register_fake
def _(current: Tensor, v: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return current.new_empty(current.shape), torch.empty_like(v)


for _device in ("cpu", "cuda"):
    _scan.register_autocast(_device, torch.float32)
