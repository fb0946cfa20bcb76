"""The classifier: a spiking network and readouts that tell classes apart."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Accuracy, ConfusionMatrix, ExactMatch, F1Score, Metric

from lightning_snn.core import checks
from lightning_snn.core.batches import Parts, Prediction, parts
from lightning_snn.development.controls import Control, ControlKind, named_controls
from lightning_snn.encoders import ConstantCurrent, Encoder
from lightning_snn.losses import CrossEntropy, Loss
from lightning_snn.modules.base import SpikingModule
from lightning_snn.network import SpikingLayer
from lightning_snn.presentation.present import NETWORK, Presentation
from lightning_snn.presentation.stages import TEST
from lightning_snn.readout import MLP, Readout


class SpikingClassifier(SpikingModule):
    """Classifies images, or sequences, by the spikes that they evoke in a network.

    Batches are ``(input, label [B])``, or with the samples' numbers ``[B]`` as third item, as those of
    `data.BatchLoader`, which lets features be kept. The input is what the encoder takes, such as images
    ``[B, C, H, W]`` or sequences ``[B, T, ...]``; a dictionary of inputs is one for each input layer.
    Floating point values may be of any type, labels of any integer type. With a loss for several labels, such
    as `BinaryCrossEntropy`, labels are ``[B, num_classes]`` of 0 and 1.

    Args:
        layers: The layers of the network by name, as they run.
        encoder: What a batch becomes at the input layers: one encoder, or one for each by name; a constant
            current by default.
        readout: ``(in_features, num_classes) -> Readout``.
        num_classes: Number of classes.
        loss: What is minimised; `CrossEntropy` by default.
        image_size: Height and width of the images, or channels, height and width; of no meaning for others.
        controls: Networks trained beside this one on the same images: ``random`` (same fan-in, nodes
            by chance), ``grid`` (pooling made by hand) and ``pixels`` (no network); a list of these words,
            or `Control` by name.
        **options: All others as `SpikingModule` has them.

    Raises:
        ValueError: if an argument is out of range or cannot be stored, or the parts do not fit together.
    """

    _settled = ("out_features", "inputs")

    def __init__(
        self,
        layers: dict[str, SpikingLayer],
        encoder: Encoder | dict[str, Encoder] | None = None,
        readout: Callable[[int, int], Readout] = MLP,
        *,
        num_classes: int = 10,
        loss: Loss | None = None,
        image_size: tuple[int, int] | tuple[int, int, int] = (28, 28),
        controls: list[ControlKind] | dict[str, Control] | None = None,
        **options: Any,
    ) -> None:
        checks.count("num_classes", num_classes)
        if num_classes == 1:
            raise ValueError("num_classes must be 2 or above, got 1")
        shape = _shape(image_size)
        named = named_controls(controls)
        raw = [name for name, control in named.items() if control.kind == "pixels"]
        super().__init__(
            layers,
            encoder or ConstantCurrent(),
            readout,
            num_classes,
            loss=loss or CrossEntropy(),
            controls={name: control for name, control in named.items() if name not in raw},
            inputs=dict.fromkeys(raw, prod(shape)),
            **options,
        )
        self.multilabel = loss is not None and loss.multilabel
        self.num_classes, self.image_size = num_classes, tuple(image_size)
        self._shape, self._raw = shape, raw
        self.confusion = ConfusionMatrix(task="multiclass", num_classes=num_classes)

    def metrics(self) -> dict[str, Metric]:
        """Accuracy and macro F1; of several labels also how often all of a sample are right."""
        if self.multilabel:
            several: dict[str, Any] = {"task": "multilabel", "num_labels": self.num_classes}
            return {
                "accuracy": Accuracy(**several, average="micro"),
                "macro_f1": F1Score(**several, average="macro"),
                "exact_match": ExactMatch(**several),
            }
        one: dict[str, Any] = {"task": "multiclass", "num_classes": self.num_classes}
        return {"accuracy": Accuracy(**one, average="micro"), "macro_f1": F1Score(**one, average="macro")}

    def target(self, batch: Parts) -> Tensor:
        """Labels ``[B]``, or ``[B, num_classes]`` of 0 and 1 where a sample may have several."""
        labels = super().target(batch)
        if self.multilabel:
            return checks.several_labels(labels, self.num_classes)
        return checks.labels(labels, self.num_classes)

    def features(self, batch: Parts, shown: Presentation) -> dict[str, Tensor]:
        """Traces, and of the control ``pixels`` the image itself."""
        if not self._raw:
            return shown.features
        if not isinstance(batch.input, Tensor) or batch.input.shape[1:] != self._shape:
            raise ValueError(f"controls: pixels needs images {list(self._shape)}, got other input")
        pixels = batch.input.flatten(1).to(shown.features[NETWORK].dtype)
        return shown.features | dict.fromkeys(self._raw, pixels)

    def present(self, input: Any, *, with_controls: bool = True) -> Presentation:
        """Show an input to the network and, where asked, to its controls; see `present`.

        Raises:
            ValueError: if images are not of ``image_size``, or the encoder refuses the input.
        """
        if isinstance(input, Tensor) and input.ndim == 4 and input.shape[1:] != self._shape:
            wanted = ", ".join(map(str, self._shape))
            raise ValueError(f"images must be [B, {wanted}] (image_size), got {list(input.shape)}")
        return super().present(input, with_controls=with_controls)

    def on_test_epoch_start(self) -> None:
        """Start a new confusion matrix."""
        super().on_test_epoch_start()
        self.confusion.reset()

    def test_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Accuracy, macro F1 and, of the images as they are, confusion matrix and activity."""
        del batch_idx
        key = self.test_key(dataloader_idx)
        scores, label = self.evaluate(batch, key)
        if key == TEST and not self.multilabel:
            self.confusion.update(scores[NETWORK], label)

    def predict_step(self, batch: Any, batch_idx: int) -> Prediction:
        """Classes and probabilities of a batch; of several labels which, and the probability of each."""
        del batch_idx
        given = parts(batch)
        scores = self(given.input)
        if self.multilabel:
            label, probability = scores > 0.5, scores
        else:
            probability, label = scores.softmax(1).max(1)
        sample = label.new_full((len(label),), -1, dtype=torch.int64)
        return Prediction(sample if given.sample is None else given.sample, label, probability)


def _shape(image_size: Sequence[int]) -> tuple[int, ...]:
    """Channels, height and width."""
    if not isinstance(image_size, Sequence) or len(image_size) not in (2, 3):
        raise ValueError(
            "image_size must be two whole numbers, height and width, or three, with the channels first, got "
            f"{image_size}"
        )
    for size in image_size:
        checks.count("image_size", size)
    return (1, *image_size) if len(image_size) == 2 else tuple(image_size)
