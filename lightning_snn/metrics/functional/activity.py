"""What the spikes of a population measure."""

import torch
from torch import Tensor

from lightning_snn.core import checks


def firing_rate(spikes: Tensor, *, dt: float = 1.0) -> Tensor:
    """Mean firing rate of a neuron in each sample.

    Args:
        spikes: ``[T, B, N]`` or maps ``[T, B, C, H, W]``, in {0, 1}.
        dt: Step in ms.

    Returns:
        ``[B]``, in Hz.

    Raises:
        ValueError: if ``spikes`` has another rank or an empty dimension, or ``dt`` is not positive.

    >>> firing_rate(torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]]), dt=5.0)
    tensor([50.])
    """
    checks.positive("dt", dt)
    _check_spikes(spikes)
    counts = spikes.flatten(2).sum(dim=0, dtype=torch.float32)  # one axis at a time is several times faster
    return counts.mean(dim=1) * (1000 / (dt * len(spikes)))


def sparsity(spikes: Tensor) -> Tensor:
    """Share of the neurons that stay silent: those without a single spike in the presentation.

    Args:
        spikes: ``[T, B, N]`` or maps ``[T, B, C, H, W]``, in {0, 1} or graded, 0 or above.

    Returns:
        ``[B]``, in [0, 1].

    Raises:
        ValueError: if ``spikes`` has another rank or an empty dimension.

    >>> sparsity(torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]]]))
    tensor([0.5000])
    """
    _check_spikes(spikes)
    return (spikes.flatten(2).sum(dim=0) == 0).float().mean(dim=1)


def check_binary(spikes: Tensor) -> Tensor:
    """``spikes``, where they are ``[T, B, N]`` or maps with no empty dimension, in {0, 1}.

    Raises:
        ValueError: if they are not.
    """
    _check_spikes(spikes)
    checks.spikes("spikes", spikes, user="the statistics of spikes")
    return spikes.detach()


def _check_spikes(spikes: Tensor) -> None:
    if spikes.ndim < 3 or 0 in spikes.shape:
        shape = list(spikes.shape)
        raise ValueError(f"spikes must be [T, B, N] with no empty dimension, got shape {shape}")
