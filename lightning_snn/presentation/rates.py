"""How often neurons fired, found when somebody asks for it: no training step does."""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from lightning_snn.core.time import within
from lightning_snn.network import SpikingLayer


class Rates(Mapping[str, Tensor]):
    """Mean firing rates in Hz of neurons ``[B, N]`` by layer; means where they send graded values.

    Args:
        find: What finds them, by layer; called once.
    """

    def __init__(self, find: Mapping[str, Callable[[], Tensor]]) -> None:
        self.find = find
        self._with_gradients = torch.is_grad_enabled()
        self._found: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        """The rates of a layer, with the gradients of its spikes."""
        if name not in self._found:
            with torch.set_grad_enabled(self._with_gradients):  # whoever asks first
                self._found[name] = self.find[name]()
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        """Names of the layers."""
        return iter(self.find)

    def __len__(self) -> int:
        """Number of layers."""
        return len(self.find)


def rates_of(
    layer: SpikingLayer, count: Callable[[], Tensor], *, steps: int, lengths: Tensor | None
) -> Tensor:
    """Rates ``[B, N]`` from what neurons sent in ``steps`` steps, or in those of each sample ``[B]``."""
    return per_second(layer) * count() / (steps if lengths is None else lengths[:, None])


def counts_of(spikes: Tensor, lengths: Tensor | None) -> Tensor:
    """What each neuron sent ``[B, N]`` before the end of a sample, of its spikes ``[T, B, N]``."""
    dtype = torch.promote_types(spikes.dtype, torch.float32)
    if lengths is None:
        return spikes.sum(0, dtype=dtype)
    return torch.einsum("tb,tbn->bn", within(lengths, len(spikes)).to(dtype), spikes.to(dtype))


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
