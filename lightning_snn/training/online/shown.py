"""An input, and what is read of the run that it evokes."""

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn.network import SpikingNetwork
from lightning_snn.training.online.walk import walk


class Sum(NamedTuple):
    """A weighted sum of what a layer sends over time, such as its mean.

    Args:
        layer: Name of the layer.
        weights: What each step counts, ``[T, B]`` or ``[T, 1]``.
    """

    layer: str
    weights: Tensor


@dataclass(frozen=True)
class Shown:
    """An input, and what is read of what it evokes, all of it linear in the spikes.

    Args:
        currents: Inputs ``[T, B, N]`` by layer.
        names: The layers that run, as listed.
        read_from: The layer that is read.
        output: Weights ``[C, N]`` of what is read of it in every step; None: nothing is.
        sums: What is read of layers over the whole of it, each ``[B, N]``.
        seed: Of the layers' noise and of dropout.
    """

    currents: dict[str, Tensor]
    names: list[str]
    read_from: str
    output: Tensor | None = None
    sums: list[Sum] = field(default_factory=list)
    seed: int = 0


@torch.no_grad()
def read(network: SpikingNetwork, shown: Shown) -> list[Tensor]:
    """The output ``[T, B, C]``, if any, then the sums ``[B, N]``, by a run that keeps nothing else."""
    outputs: list[Tensor] = []
    totals: list[Tensor] = []
    for block in walk(network, shown.currents, shown.names, seed=shown.seed):
        if shown.output is not None:
            outputs.append(F.linear(block.spikes[shown.read_from], shown.output))
        now = [(weights[block.steps, :, None] * block.spikes[layer]).sum(0) for layer, weights in shown.sums]
        totals = [total.add_(more) for total, more in zip(totals, now, strict=True)] if totals else now
    return [torch.cat(outputs), *totals] if outputs else totals
