"""Integrate-and-fire without a leak."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from lightning_snn.dynamics.surrogate import Surrogate, spike

IntegrateFireReset = Literal["hard", "soft", "none"]


class IntegrateFireState(NamedTuple):
    """State ``[B, N]``: potential, rise of the threshold."""

    v: Tensor
    adaptation: Tensor


def integrate_fire_step(
    current: Tensor,
    state: IntegrateFireState,
    threshold: float,
    reset: IntegrateFireReset,
    surrogate: Surrogate,
) -> tuple[Tensor, IntegrateFireState]:
    """``v <- v + i``; a spike where v reaches the threshold.

    Args:
        current: What presynaptic spikes add to the potential ``[B, N]``.
        state: Potentials and rises of the threshold; not modified.
        threshold: Potential at which a neuron spikes.
        reset: ``hard``: v to 0; ``soft``: v lowered by the threshold; ``none``: v stays, and the neuron
            spikes in every step until v falls below the threshold, so that its spike count tells how early it
            began.
        surrogate: Gradient of the spike.

    Returns:
        Spikes ``[B, N]`` in {0, 1} and the next state.

    Source: Kheradpisheh et al., Neural Networks 99 (2018), eq. 1.
    """
    v = state.v + current
    limit = threshold + state.adaptation
    spikes = spike((v - limit) / threshold, surrogate)
    fired = spikes.detach()
    if reset == "hard":
        v = torch.where(fired > 0, 0.0, v)
    elif reset == "soft":
        v = v - fired * limit
    return spikes, IntegrateFireState(v, state.adaptation.clone())
