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
from lightning_snn.ops.uniform_scan import uniform_scan


def scan(
    drive: Tensor,
    state: ConductanceLIFState,
    factors: Sequence[float],
    surrogate: Surrogate,
    inhibition: Tensor | None,
    spikes: Tensor | None,
    strength: float,
) -> tuple[Tensor, ConductanceLIFState]:
    """Step by step; see `lightning_snn.ops.conductance_lif.conductance_lif_scan`."""
    f = ConductanceLIFFactors(*factors)

    def step(
        drive: Tensor, state: ConductanceLIFState, inhibition: Tensor | None = None
    ) -> tuple[Tensor, ConductanceLIFState]:
        return conductance_lif_advance(drive, state, f, surrogate, inhibition)

    others = {} if inhibition is None else {"inhibition": inhibition}
    if spikes is None:
        return neuron_scan(step, drive, state, **others)
    return uniform_scan(step, drive, state, spikes, strength, "inhibition", **others)
