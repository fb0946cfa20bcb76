"""How often neurons fired, found when somebody asks for it: no training step does."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from lightning_snn.network import SpikingLayer, SpikingNetwork


class Rates(Mapping[str, Tensor]):
    """Mean firing rates in Hz of neurons ``[B, N]`` by layer; means where they send graded values.

    Args:
        spikes: Spikes ``[T, B, N]`` by layer.
        network: The network.
        lengths: Steps of each sample ``[B]``; None where all of them last T steps.
    """

    def __init__(
        self, spikes: Mapping[str, Tensor], network: SpikingNetwork, lengths: Tensor | None = None
    ) -> None:
        self.spikes = spikes
        self.lengths = lengths
        self.factors = {name: per_second(network.layer(name)) for name in spikes}
        self._found: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        """The rates of a layer, with the gradients of its spikes."""
        if name not in self._found:
            sent = self.spikes[name]
            shown = len(sent) if self.lengths is None else self.lengths[:, None]
            self._found[name] = self.factors[name] * _counts(sent, self.lengths) / shown
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        """Names of the layers."""
        return iter(self.spikes)

    def __len__(self) -> int:
        """Number of layers."""
        return len(self.spikes)


def per_second(layer: SpikingLayer) -> float:
    """Steps in a second; 1 where graded values have a mean and no rate."""
    return 1.0 if layer.neuron.graded else 1000.0 / layer.dt


@torch.no_grad()
def mean_rate(rates: Mapping[str, Tensor]) -> Tensor:
    """Mean rate ``[B, L]`` of each layer."""
    return torch.stack([values.float().mean(1) for values in rates.values()], dim=1)


@torch.no_grad()
def share_of_silent(rates: Mapping[str, Tensor]) -> Tensor:
    """Share of neurons ``[B, L]`` of each layer that stay silent."""
    return torch.stack([(values == 0).float().mean(1) for values in rates.values()], dim=1)


def _counts(spikes: Tensor, lengths: Tensor | None) -> Tensor:
    """What each neuron sent ``[B, N]`` before the end of a sample, of its spikes ``[T, B, N]``."""
    dtype = torch.promote_types(spikes.dtype, torch.float32)
    if lengths is None:
        return spikes.sum(0, dtype=dtype)
    inside = torch.arange(len(spikes), device=lengths.device)[:, None] < lengths
    return torch.einsum("tb,tbn->bn", inside.to(dtype), spikes.to(dtype))
