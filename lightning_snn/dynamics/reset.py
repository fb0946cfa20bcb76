"""What a spike does to a potential, with a gradient through it or without."""

import torch
from torch import Tensor


def hard_reset(v: Tensor, spikes: Tensor, to: float | Tensor, detach: bool = True) -> Tensor:
    """``to`` where a neuron spiked, else ``v``.

    Args:
        v: Potentials ``[B, N]``; not modified.
        spikes: Spikes ``[B, N]`` in {0, 1}.
        to: Where a spike takes the potential, one number or one a neuron ``[N]``.
        detach: Whether gradients pass by the reset; else they reach the spikes, by ``to - v``.

    >>> hard_reset(torch.tensor([0.5, 1.5]), torch.tensor([0.0, 1.0]), to=-1.0).tolist()
    [0.5, -1.0]
    """
    if detach:
        return torch.where(spikes.detach() > 0, to, v)
    return v * (1 - spikes) + to * spikes


def soft_reset(v: Tensor, spikes: Tensor, by: float | Tensor, detach: bool = True) -> Tensor:
    """``v`` lowered by ``by`` where a neuron spiked.

    Args:
        v: Potentials ``[B, N]``; not modified.
        spikes: Spikes ``[B, N]`` in {0, 1}.
        by: What a spike takes away, such as the threshold, one number or one a neuron ``[N]`` or ``[B, N]``.
        detach: Whether gradients pass by the reset; else they reach the spikes, by ``-by``.

    >>> soft_reset(torch.tensor([0.5, 1.5]), torch.tensor([0.0, 1.0]), by=1.0).tolist()
    [0.5, 0.5]
    """
    return v - (spikes.detach() if detach else spikes) * by
