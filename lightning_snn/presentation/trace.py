"""What a readout sees of spikes over time."""

import torch
from torch import Tensor

from lightning_snn.core import checks


def spike_trace(spikes: Tensor, *, tau: float | None, dt: float, lengths: Tensor | None = None) -> Tensor:
    """Exponentially weighted share of steps with a spike, at the end of the presentation.

        x = sum_t exp(-(T - t) dt / tau) s_t / sum_t exp(-(T - t) dt / tau)

    Args:
        spikes: ``[T, B, N]``.
        tau: Time constant in ms; None gives the plain spike count over T.
        dt: Step in ms.
        lengths: Steps of each sample ``[B]``, its own T: later ones are not seen. None: all of them.

    Returns:
        ``[B, N]`` in [0, 1].

    Raises:
        ValueError: if ``tau`` is not positive, or a length is not 1 to T.

    >>> spike_trace(torch.tensor([[[1.0]], [[0.0]]]), tau=None, dt=1.0)
    tensor([[0.5000]])
    >>> spike_trace(torch.tensor([[[1.0]], [[0.0]]]), tau=None, dt=1.0, lengths=torch.tensor([1]))
    tensor([[1.]])
    """
    if tau is not None:
        checks.positive("tau_trace", tau)
    if lengths is not None:
        checks.lengths(lengths, samples=spikes.shape[1], steps=len(spikes))
        return torch.einsum(
            "tb,tbn->bn", trace_weights(lengths, len(spikes), tau, dt).to(spikes.dtype), spikes
        )
    if tau is None:
        return spikes.mean(0)
    age = torch.arange(len(spikes) - 1, -1, -1, device=spikes.device)
    weight = torch.exp(-age * dt / tau)
    return torch.einsum("t,tbn->bn", (weight / weight.sum()).to(spikes.dtype), spikes)


def trace_weights(lengths: Tensor, steps: int, tau: float | None, dt: float) -> Tensor:
    """What a spike counts ``[T, B]`` in the trace of samples of these ``lengths``; each sample's sum to 1."""
    age = lengths - 1 - torch.arange(steps, device=lengths.device)[:, None]
    weight = (
        torch.ones_like(age, dtype=torch.float32) if tau is None else torch.exp(-age.clamp_min(0) * dt / tau)
    )
    weight = weight * (age >= 0)
    return weight / weight.sum(0)
