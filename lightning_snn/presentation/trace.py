"""What a readout sees of spikes over time."""

import torch
from torch import Tensor

from lightning_snn.core import checks


def spike_trace(spikes: Tensor, *, tau: float | None, dt: float) -> Tensor:
    """Exponentially weighted share of steps with a spike, at the end of the presentation.

        x = sum_t exp(-(T - t) dt / tau) s_t / sum_t exp(-(T - t) dt / tau)

    Args:
        spikes: ``[T, B, N]``.
        tau: Time constant in ms; None gives the plain spike count over T.
        dt: Step in ms.

    Returns:
        ``[B, N]`` in [0, 1].

    >>> spike_trace(torch.tensor([[[1.0]], [[0.0]]]), tau=None, dt=1.0)
    tensor([[0.5000]])
    """
    if tau is None:
        return spikes.mean(0)
    checks.positive("tau_trace", tau)
    age = torch.arange(len(spikes) - 1, -1, -1, device=spikes.device)
    weight = torch.exp(-age * dt / tau)
    return torch.einsum("t,tbn->bn", (weight / weight.sum()).to(spikes.dtype), spikes)
