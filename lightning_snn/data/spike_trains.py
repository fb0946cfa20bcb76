"""Labelled spike trains in memory."""

from collections.abc import Callable

import torch
from torch import Tensor

from lightning_snn.core.batches import Batch
from lightning_snn.data.image_dataset import ImageDataset


class SpikeTrains(ImageDataset):
    """Spike trains ``[T, N]`` with labels, number by number; the input of `Frames`.

    Args:
        trains: Whether each neuron spikes in each step, bool ``[n, T, N]``.
        labels: Classes ``[n]``, of an integer type.
        sample: Numbers of the samples ``[n]``, likewise, each once.

    >>> trains = torch.eye(3, dtype=torch.bool)[None]
    >>> data = SpikeTrains(trains, labels=torch.tensor([1]), sample=torch.tensor([0]))
    >>> data[torch.tensor([0])].image.sum(1)
    tensor([[1., 1., 1.]])
    """

    def __init__(self, trains: Tensor, *, labels: Tensor, sample: Tensor) -> None:
        super().__init__(trains[:, None].to(torch.uint8), labels=labels, sample=sample)

    def take(self, positions: Tensor, shown: Callable[[Tensor, Tensor], Tensor]) -> Batch:
        """The samples at ``positions`` ``[B]``, in that order; spikes ``[B, T, N]`` are 0 and 1."""
        del shown  # which is for images
        trains = self.images[positions, 0].to(torch.float32)
        return Batch(trains, self.labels[positions], self.sample[positions])

    def subset(self, positions: Tensor) -> "SpikeTrains":
        """A data set of the samples at ``positions`` ``[m]``, in that order, with their numbers kept."""
        return SpikeTrains(
            self.images[positions, 0], labels=self.labels[positions], sample=self.sample[positions]
        )
