"""Izhikevich populations over time, in pure PyTorch."""

from torch import Tensor

from lightning_snn.dynamics.izhikevich import IzhikevichParameters, IzhikevichState, izhikevich_step
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.ops.neuron_scan import neuron_scan
from lightning_snn.ops.sheet_scan import sheet_scan


def scan(
    current: Tensor, state: IzhikevichState, factors: Tensor, dt: float, clip_peak: bool, surrogate: Surrogate
) -> tuple[Tensor, IzhikevichState]:
    """Step by step; see `lightning_snn.ops.izhikevich.izhikevich_scan`."""
    p = _parameters(factors, clip_peak, surrogate)
    return neuron_scan(lambda i, s: izhikevich_step(i, s, p, dt), current, state)


def scan_sheet(
    current: Tensor,
    state: IzhikevichState,
    spikes: Tensor,
    coupling: Tensor,
    factors: Tensor,
    dt: float,
    clip_peak: bool,
    surrogate: Surrogate,
) -> tuple[Tensor, IzhikevichState]:
    """Step by step; see `lightning_snn.ops.izhikevich.izhikevich_sheet_scan`."""
    p = _parameters(factors, clip_peak, surrogate)
    return sheet_scan(lambda i, s: izhikevich_step(i, s, p, dt), current, state, spikes, coupling)


def _parameters(factors: Tensor, clip_peak: bool, surrogate: Surrogate) -> IzhikevichParameters:
    a, b, c, d = factors.unbind()
    return IzhikevichParameters(a, b, c, d, clip_peak, surrogate)
