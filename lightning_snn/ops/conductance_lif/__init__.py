"""Conductance-based leaky integrate-and-fire populations over time."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lightning_snn.dynamics.conductance_lif import ConductanceLIFFactors, ConductanceLIFState
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.ops import backend
from lightning_snn.ops.conductance_lif import reference
from lightning_snn.ops.sequence import check_sequence, check_state

__all__ = ["conductance_lif_scan"]


def conductance_lif_scan(
    drive: Tensor, state: ConductanceLIFState, factors: ConductanceLIFFactors, *, surrogate: Surrogate
) -> tuple[Tensor, ConductanceLIFState]:
    """`lightning_snn.dynamics.conductance_lif.conductance_lif_step` over time.

    Where an input needs a gradient, the plain loop runs.

    Args:
        drive: What presynaptic spikes add to the excitatory conductance ``[T, B, N]``.
        state: State before the first step.
        factors: `conductance_lif_factors`.
        surrogate: Gradient of the spike.

    Returns:
        Spikes ``[T, B, N]`` in {0, 1} and the state after the last step.

    Raises:
        ValueError: if ``drive`` is not ``[T, B, N]`` with no empty dimension, or the state is not of its B
            and N.
    """
    check_sequence(drive)
    check_state(drive, state, ConductanceLIFState)
    drive = drive.to(state.v.dtype)

    def plain() -> tuple[Tensor, ConductanceLIFState]:
        return reference.scan(drive, state, factors, surrogate)

    def fused() -> tuple[Tensor, ConductanceLIFState]:
        spikes, *end = _scan(drive, list(state), list(factors))
        return spikes, ConductanceLIFState(*end)

    if torch.is_grad_enabled() and any(x.requires_grad for x in (drive, *state)):
        return plain()
    return backend.run(__name__, drive.device, fused, plain)


@torch.library.custom_op("lightning_snn::conductance_lif_scan", mutates_args=())
def _scan(
    drive: Tensor, state: Sequence[Tensor], factors: Sequence[float]
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    found: tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor] = backend.kernels(
        __name__, drive.device
    ).scan(drive, state, factors)
    return found


@_scan.register_fake
def _(drive: Tensor, state: Sequence[Tensor], _: Any) -> tuple[Tensor, ...]:
    return drive.new_empty(drive.shape), *(torch.empty_like(value) for value in state)


for _device in ("cpu", "cuda"):
    _scan.register_autocast(_device, torch.float32)
