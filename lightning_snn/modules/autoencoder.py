"""The autoencoder: a spiking network and readouts that give back what they were shown."""

from collections.abc import Callable
from math import prod
from typing import Any

from torch import Tensor
from torchmetrics import Metric
from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure

from lightning_snn.core import checks
from lightning_snn.core.batches import Parts, Sequences
from lightning_snn.encoders import Encoder
from lightning_snn.losses import Loss
from lightning_snn.modules.regressor import SpikingRegressor
from lightning_snn.network import SpikingLayer
from lightning_snn.readout import Linear, Readout

LEAST_SIDE = 11
"""Pixels of the window within which structure is compared."""


class SpikingAutoencoder(SpikingRegressor):
    """Learns to give back its input; of images, also how similar they look is measured.

    Batches are an input, or any tuple that begins with one: what follows is not learned. An input is images
    ``[B, C, H, W]`` in [0, 1], or any ``[B, ...]`` of ``input_size`` values a sample; with a loss of all
    steps, such as ``MeanSquaredError("steps")``, it is a sequence of such, ``[B, T, ...]``.

    Args:
        layers: The layers of the network by name, as they run.
        encoder: What a batch becomes at the input layers: one encoder, or one for each by name; a constant
            current by default.
        readout: ``(in_features, values of a sample) -> Readout``.
        input_size: Height and width of images, or channels, height and width, or one number of values.
        loss: What is minimised; `MeanSquaredError` by default.
        **options: All others as `SpikingModule` has them.

    Raises:
        ValueError: if an argument is out of range or cannot be stored, or the parts do not fit together.
    """

    _settled = ("out_features", "num_outputs")

    def __init__(
        self,
        layers: dict[str, SpikingLayer],
        encoder: Encoder | dict[str, Encoder] | None = None,
        readout: Callable[[int, int], Readout] = Linear,
        *,
        input_size: int | tuple[int, int] | tuple[int, int, int] = (28, 28),
        loss: Loss | None = None,
        **options: Any,
    ) -> None:
        sizes = (input_size,) if isinstance(input_size, int) else tuple(input_size)
        if len(sizes) not in (1, 2, 3):
            raise ValueError(
                "input_size must be one whole number, or two, height and width, or three, with the channels "
                f"first, got {input_size}"
            )
        for size in sizes:
            checks.count("input_size", size)
        super().__init__(layers, encoder, readout, num_outputs=prod(sizes), loss=loss, **options)
        self.shape = (1, *sizes) if len(sizes) == 2 else sizes

    def metrics(self) -> dict[str, Metric]:
        """Mean squared error; of images also peak signal-to-noise ratio and similarity, if not tiny."""
        found = {"mse": super().metrics()["mse"]}
        if len(self.shape) == 3:
            found["psnr"] = PeakSignalNoiseRatio(data_range=1.0)
            if min(self.shape[1:]) >= LEAST_SIDE:
                found["ssim"] = StructuralSimilarityIndexMeasure(data_range=1.0)
        return found

    def target(self, batch: Parts) -> Tensor:
        """The input ``[B, N]``, or ``[B, T, N]``, of N values."""
        given = batch.input.values if isinstance(batch.input, Sequences) else batch.input
        assert self.objective is not None
        leading = 2 if self.objective.sequences else 1
        shape = tuple(given.shape[leading:]) if isinstance(given, Tensor) else ()
        if shape not in (self.shape, (prod(self.shape),)):
            wanted = ["B", "T"][:leading] + list(map(str, self.shape))
            got = list(given.shape) if isinstance(given, Tensor) else type(given).__name__
            raise ValueError(f"inputs must be [{', '.join(wanted)}] (input_size), got {got}")
        return given.flatten(leading)

    def compared(self, scores: Tensor, target: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """As in the base class; images as images."""
        values, wanted = super().compared(scores, target, lengths)
        return values.reshape(-1, *self.shape), wanted.reshape(-1, *self.shape)

    def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
        """What the network gives back, in the shape of its input."""
        values: Tensor = super().predict_step(batch, batch_idx)
        return values.reshape(*values.shape[:-1], *self.shape)
