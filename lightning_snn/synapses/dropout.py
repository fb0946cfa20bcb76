"""Dropout that is fixed over time: which neurons of the source arrive at nothing for a whole sequence."""

import torch
from torch import Tensor

from lightning_snn.core.tensors import Tensors
from lightning_snn.ops.sequence import check_part

KEPT = "kept"
"""The part of a state of synapses that is the mask."""


def drawn(share: float, like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A mask ``[B, N]`` in the form of ``like``: 0 for a ``share`` of its entries, ``1 / (1 - share)`` else.

    It is drawn once for a sequence: one that changed from step to step would be noise, over which a neuron
    averages. ``generator`` is torch's global one by default.

    Source: Lee et al., Front. Neurosci. 14 (2020) 119, section 2.3.2.
    """
    kept = torch.rand(like.shape, generator=generator, device=like.device) >= share
    return kept.to(like.dtype) / (1 - share)


def dropped(spikes: Tensor, state: Tensors) -> Tensor:
    """Spikes ``[T, B, N]`` without those of neurons that the mask of a state leaves out.

    Raises:
        ValueError: if the mask is missing, or of another batch.
    """
    if KEPT not in state:
        raise ValueError("state must hold the mask of the dropout, as `opened` adds it, got none")
    check_part(f"state.{KEPT}", state[KEPT], spikes.shape[1:], like=spikes)
    return spikes * state[KEPT].to(spikes.dtype)
