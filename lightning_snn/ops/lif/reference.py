"""Leaky integrate-and-fire populations over time, in pure PyTorch."""

from torch import Tensor

from lightning_snn.dynamics.lif import LIFFactors, LIFState, Reset, lif_advance
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.ops.neuron_scan import neuron_scan
from lightning_snn.ops.sheet_scan import sheet_scan


def scan(
    current: Tensor, state: LIFState, factors: Tensor, reset: Reset, surrogate: Surrogate
) -> tuple[Tensor, LIFState]:
    """Step by step; see `lightning_snn.ops.lif.lif_scan`."""
    f = LIFFactors(*factors.unbind())
    return neuron_scan(lambda i, s: lif_advance(i, s, f, reset, surrogate), current, state)


def scan_sheet(
    current: Tensor,
    state: LIFState,
    spikes: Tensor,
    coupling: Tensor,
    factors: Tensor,
    reset: Reset,
    surrogate: Surrogate,
) -> tuple[Tensor, LIFState]:
    """Step by step; see `lightning_snn.ops.lif.lif_sheet_scan`."""
    f = LIFFactors(*factors.unbind())
    return sheet_scan(lambda i, s: lif_advance(i, s, f, reset, surrogate), current, state, spikes, coupling)
