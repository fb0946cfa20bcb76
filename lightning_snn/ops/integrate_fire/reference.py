"""Integrate-and-fire populations without a leak over time, in pure PyTorch."""

from typing import get_args

from torch import Tensor

from lightning_snn.dynamics.integrate_fire import IntegrateFireReset, IntegrateFireState, integrate_fire_step
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.ops.neuron_scan import neuron_scan

RESETS = get_args(IntegrateFireReset)
"""The resets in the order of the numbers that the kernels know them by."""


def scan(
    current: Tensor,
    state: IntegrateFireState,
    threshold: float,
    reset: IntegrateFireReset,
    surrogate: Surrogate,
) -> tuple[Tensor, IntegrateFireState]:
    """Step by step; see `lightning_snn.ops.integrate_fire.integrate_fire_scan`."""
    return neuron_scan(lambda i, s: integrate_fire_step(i, s, threshold, reset, surrogate), current, state)
