"""Conductance-based leaky integrate-and-fire populations over time."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lightning_snn.dynamics.conductance_lif import ConductanceLIFFactors, ConductanceLIFState
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.ops import backend
from lightning_snn.ops.conductance_lif import reference
from lightning_snn.ops.sequence import check_inputs, check_part, check_sequence, check_state

__all__ = ["conductance_lif_scan"]


def conductance_lif_scan(
    drive: Tensor,
    state: ConductanceLIFState,
    factors: ConductanceLIFFactors,
    *,
    surrogate: Surrogate,
    inhibition: Tensor | None = None,
    spikes: Tensor | None = None,
    strength: float = 0.0,
) -> tuple[Tensor, ConductanceLIFState]:
    """`lightning_snn.dynamics.conductance_lif.conductance_lif_step` over time.

    With ``spikes`` the neurons inhibit each other: a spike adds ``strength`` to the inhibitory conductance of
    every other neuron one step later. Where an input needs a gradient, the plain loop runs.

    Args:
        drive: What presynaptic spikes add to the excitatory conductance ``[T, B, N]``.
        state: State before the first step.
        factors: `conductance_lif_factors`.
        surrogate: Gradient of the spike.
        inhibition: What they add to the inhibitory conductance ``[T, B, N]``; nothing by default.
        spikes: Spikes ``[B, N]`` of the step before the first; by default the neurons do not inhibit each
            other.
        strength: What a spike adds, in units of the leak's conductance.

    Returns:
        Spikes ``[T, B, N]`` in {0, 1} and the state after the last step.

    Raises:
        ValueError: if ``drive`` is not ``[T, B, N]`` with no empty dimension, or the state, the spikes or the
            inhibition are not of its B and N.
    """
    check_sequence(drive)
    check_state(drive, state, ConductanceLIFState)
    drive = drive.to(state.v.dtype)
    if inhibition is not None:
        check_inputs(drive, {"inhibition": inhibition})
        inhibition = inhibition.to(drive.dtype)
    if spikes is not None:
        check_part("spikes", spikes, drive.shape[1:], like=drive)
        spikes = spikes.to(drive.dtype)

    def plain() -> tuple[Tensor, ConductanceLIFState]:
        return reference.scan(drive, state, factors, surrogate, inhibition, spikes, strength)

    def fused() -> tuple[Tensor, ConductanceLIFState]:
        silent = drive.new_zeros(1).expand_as(drive[0])
        before = silent if spikes is None else spikes
        added = drive.new_zeros(drive.shape[2]).expand_as(drive) if inhibition is None else inhibition
        found, *end = _scan(drive, added, before, list(state), list(factors), strength)
        return found, ConductanceLIFState(*end)

    inputs = [x for x in (drive, inhibition, spikes, *state) if x is not None]
    if torch.is_grad_enabled() and any(x.requires_grad for x in inputs):
        return plain()
    return backend.run(__name__, drive.device, fused, plain)


@torch.library.custom_op("lightning_snn::conductance_lif_scan", mutates_args=())
def _scan(
    drive: Tensor,
    inhibition: Tensor,
    before: Tensor,
    state: Sequence[Tensor],
    factors: Sequence[float],
    strength: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    found: tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor] = backend.kernels(
        __name__, drive.device
    ).scan(drive, inhibition, before, state, factors, strength)
    return found


@_scan.register_fake
def _(
    drive: Tensor, _inhibition: Tensor, _before: Tensor, state: Sequence[Tensor], *_: Any
) -> tuple[Tensor, ...]:
    return drive.new_empty(drive.shape), *(torch.empty_like(value) for value in state)


for _device in ("cpu", "cuda"):
    _scan.register_autocast(_device, torch.float32)
