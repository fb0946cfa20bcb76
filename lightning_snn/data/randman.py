"""Smooth random manifolds of spike times: a task in which every unit spikes once, and only timing tells."""

import math

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.random import RandomStream
from lightning_snn.data.grey_images import GreyImages, official
from lightning_snn.data.image_dataset import ImageDataset
from lightning_snn.data.sources import LabelledImages
from lightning_snn.data.splits import stratified

_FINEST = 1e-3
"""Amplitude, relative to the first, below which harmonics are left out; at most `_MOST` are kept."""

_MOST = 1000


class Randman(GreyImages):
    """Spike times on smooth random manifolds, one a class; a unit spikes once, so that counts tell nothing.

    A class has a manifold: random Fourier series ``f_i`` give the time of unit i at a point x, drawn evenly
    from the unit cube of ``dimensions``,

        f_i(x) = prod_j sum_k k^-smoothness sin(2 pi (k x_j b_ijk + c_ijk)),    b, c ~ U(0, 1),

    brought to [0, 1] over the samples of the class. A sample is an image ``[1, 1, units]`` of what is left
    of the presentation after each spike: with the encoder ``Latency(num_steps, cutoff=0)`` unit i spikes
    once, in step ``floor(f_i num_steps)`` up to rounding to a 255th. The test set is a tenth of the samples.

    Args:
        units: Units N, each of which spikes once.
        classes: Manifolds.
        dimensions: Dimension D of a manifold.
        smoothness: The alpha of the source: the larger it is, the smoother manifolds are.
        samples: Samples of a class.
        timing: Whether times are those of the manifolds; else they are drawn evenly, for a control that has
            nothing to go by but how often units spike.
        batch_size: Samples of a training batch, over all processes; an incomplete one is left out.
        eval_batch_size: Samples of a batch to validate, test or predict, over all processes.
        val_size: Samples to validate on; with 0 there is no validation.
        split_seed: Of the manifolds, the samples and the splits.
        seed: Of the order of training batches, and of nothing else; by default the run's, or one by torch's
            generator.

    Raises:
        ValueError: if an argument is out of its range.

    Source: Zenke and Vogels, Neural Comput. 33 (2021), 899; cut-off of the series as in the authors' program.
    """

    def __init__(
        self,
        units: int = 20,
        *,
        classes: int = 10,
        dimensions: int = 1,
        smoothness: float = 3.0,
        samples: int = 1000,
        timing: bool = True,
        batch_size: int = 100,
        eval_batch_size: int = 500,
        val_size: int = 1000,
        split_seed: int = 0,
        seed: int | None = None,
    ) -> None:
        counts = {"units": (units, 1), "classes": (classes, 2), "dimensions": (dimensions, 1)}
        for name, (value, least) in (counts | {"samples": (samples, 10)}).items():
            checks.count(f"data.{name}", value)
            if value < least:
                raise ValueError(f"data.{name} must be at least {least}, got {value}")
        checks.positive("data.smoothness", smoothness)
        if not isinstance(timing, bool):
            raise ValueError(f"data.timing must be True or False, got {timing!r}")
        self.image_size = (1, units)
        self.num_classes = classes
        self.class_names = tuple(map(str, range(classes)))
        super().__init__(
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            val_size=val_size,
            split_seed=split_seed,
            seed=seed,
        )
        self.units = units
        self.dimensions = dimensions
        self.smoothness = smoothness
        self.samples = samples
        self.timing = timing

    def read(self) -> tuple[ImageDataset, ImageDataset]:
        """Nine tenths of the samples, and the others."""
        times = torch.cat([self._times(label) for label in range(self.num_classes)])
        left = (255 * (1 - times)).round().to(torch.uint8).reshape(-1, 1, 1, self.units)
        labels = torch.arange(self.num_classes).repeat_interleave(self.samples)
        rest, test = stratified(labels, size=len(labels) // 10, seed=(self.split_seed, 0))
        return official((LabelledImages(left[rest], labels[rest]), LabelledImages(left[test], labels[test])))

    def _times(self, label: int) -> Tensor:
        """Spike times ``[samples, N]`` of a class, in [0, 1] of a presentation."""
        generator = RandomStream(self.split_seed, "randman").torch(label)
        if not self.timing:
            return torch.rand(self.samples, self.units, generator=generator, dtype=torch.float64)
        points = torch.rand(self.samples, self.dimensions, generator=generator, dtype=torch.float64)
        values = random_manifold(points, self.units, smoothness=self.smoothness, generator=generator)
        low, high = values.amin(0), values.amax(0)
        return (values - low) / (high - low)


def random_manifold(points: Tensor, units: int, *, smoothness: float, generator: torch.Generator) -> Tensor:
    """Values ``[samples, units]`` of random Fourier series at points ``[samples, D]``; see `Randman`."""
    count = min(math.ceil(_FINEST ** (-1 / smoothness)), _MOST)
    order = torch.arange(1, count + 1, dtype=points.dtype)
    scale, phase = torch.rand(
        2, units, points.shape[1], count, generator=generator, dtype=points.dtype
    )  # [N, D, K] each
    angle = 2 * math.pi * (points[:, None, :, None] * order * scale + phase)
    series: Tensor = (order**-smoothness * angle.sin()).sum(-1)
    return series.prod(-1)
