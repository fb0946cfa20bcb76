"""Conductance-based populations over time, on a GPU: the reference's steps are kernels there."""

from collections.abc import Sequence

from torch import Tensor

from lightning_snn.dynamics.conductance_lif import ConductanceLIFState
from lightning_snn.ops.conductance_lif import reference


def scan(drive: Tensor, state: Sequence[Tensor], factors: Sequence[float]) -> tuple[Tensor, ...]:
    """Spikes ``[T, B, N]`` and the state after the last step."""
    spikes, end = reference.scan(drive, ConductanceLIFState(*state), factors)
    return spikes, *(value.clone() for value in end)
