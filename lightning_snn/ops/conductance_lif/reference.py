"""Conductance-based populations over time, in pure PyTorch."""

from collections.abc import Sequence

from torch import Tensor

from lightning_snn.dynamics.conductance_lif import (
    ConductanceLIFFactors,
    ConductanceLIFState,
    conductance_lif_advance,
)
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.ops.neuron_scan import neuron_scan


def scan(
    drive: Tensor, state: ConductanceLIFState, factors: Sequence[float], surrogate: Surrogate
) -> tuple[Tensor, ConductanceLIFState]:
    """Step by step; see `lightning_snn.ops.conductance_lif.conductance_lif_scan`."""
    f = ConductanceLIFFactors(*factors)
    return neuron_scan(lambda x, s: conductance_lif_advance(x, s, f, surrogate), drive, state)
