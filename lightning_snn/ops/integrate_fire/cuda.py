"""Integrate-and-fire populations over time, on a GPU: the reference's steps are kernels there."""

from torch import Tensor

from lightning_snn.dynamics.integrate_fire import IntegrateFireState
from lightning_snn.ops.integrate_fire import reference


def scan(
    current: Tensor, v: Tensor, adaptation: Tensor, threshold: float, reset: str
) -> tuple[Tensor, Tensor]:
    """Spikes ``[T, B, N]`` and the potential after the last step."""
    spikes, end = reference.scan(current, IntegrateFireState(v, adaptation), threshold, reset)
    return spikes, end.v
