"""The classifier: a spiking network and readouts that tell classes apart."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable
from torch import Tensor
from torchmetrics import ConfusionMatrix, Metric
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

from lightning_snn.core import checks
from lightning_snn.core.batches import Parts, Prediction, parts
from lightning_snn.core.random import RootSeed
from lightning_snn.development.controls import Control, ControlKind, named_controls
from lightning_snn.encoders import ConstantCurrent, Encoder
from lightning_snn.losses import CrossEntropy, Loss
from lightning_snn.modules.base import SpikingModule
from lightning_snn.network import Connection, SpikingLayer
from lightning_snn.presentation.present import NETWORK, Presentation
from lightning_snn.presentation.stages import TEST
from lightning_snn.readout import MLP, Readout
from lightning_snn.training import TrainingPhase
from lightning_snn.training.online import Learning


class SpikingClassifier(SpikingModule):
    """Classifies images, or sequences, by the spikes that they evoke in a network.

    Batches are ``(input, label [B])``, or with the samples' numbers ``[B]`` as third item, as those of
    `data.BatchLoader`, which lets features be kept. The input is what the encoder takes, such as images
    ``[B, C, H, W]`` or sequences ``[B, T, ...]``; a dictionary of inputs is one for each input layer.
    Floating point values may be of any type, labels of any integer type.

    Args:
        layers: The layers of the network by name, as they run.
        encoder: What a batch becomes at the input layers: one encoder, or one for each by name; a constant
            current by default.
        readout: ``(in_features, num_classes) -> Readout``.
        connections: Connections by name beside those that layers name themselves; see `SpikingNetwork`.
        dt: Step in ms; see `SpikingNetwork`.
        min_delay: Least delay of a connection in ms; see `SpikingNetwork`.
        num_classes: Number of classes.
        loss: What is minimised; `CrossEntropy` by default.
        learning: What takes the place of backpropagation through time: `EProp`, `OTTT` or `FeedbackAlignment`.
        image_size: Height and width of the images, or channels, height and width; of no meaning for others.
        read_from: Name of the layer that the readout sees; the last by default.
        tau_trace: Time constant in ms of the spike traces that the readout sees; None counts spikes.
        controls: Networks trained beside this one on the same images: ``random`` (same fan-in, nodes
            by chance), ``grid`` (pooling made by hand) and ``pixels`` (no network); a list of these words,
            or `Control` by name.
        control_readouts: Readouts of controls that have another than the network, by the control's name.
        few_labels: How many training samples have labels, one number or several: for each, the network and
            every control get a further readout that learns from these only, and is tested. They are balanced
            over the classes and the same for every seed; smaller numbers lie in larger ones.
        cache: Whether the features of the training and validation images are computed once; None: where
            the encoders are repeatable and no weight of the network is trained, or not in the present phase.
        optimizer: ``parameters -> Optimizer``; it gets those that need a gradient.
        learning_rates: Learning rates by the name of a layer or connection, or ``readout``; the others take
            the optimizer's own.
        scheduler: ``optimizer -> scheduler``, stepped every epoch. Of ``ReduceLROnPlateau`` take that of
            ``lightning.pytorch.cli``, which says what it monitors: ``val/accuracy`` with mode ``max``, say.
        phases: Phases of the training by name, one after another, each with the parts that it trains, its
            epochs and rates; see `TrainingPhase`. None: all that needs a gradient is trained, all the time.
        truncate_steps: Steps of a long presentation after each of which gradients end; see `Pieces`.
        checkpoint_steps: Steps of a presentation that are computed again for their gradients, a piece at a
            time, so that training needs the memory of one piece.
        seed: What is random in the network, its controls, readouts and stimuli is drawn from it, each under
            its own name, unless it has a seed of its own; by default the run's, or one by torch's generator.
            It stands in the checkpoint. ``plain``: see `SpikingNetwork`.

    Raises:
        ValueError: if an argument is out of range or cannot be stored, or the parts do not fit together.
    """

    def __init__(
        self,
        layers: dict[str, SpikingLayer],
        encoder: Encoder | dict[str, Encoder] | None = None,
        readout: Callable[[int, int], Readout] = MLP,
        *,
        connections: dict[str, Connection] | None = None,
        dt: float | None = None,
        min_delay: float = 0.0,
        num_classes: int = 10,
        loss: Loss | None = None,
        learning: Learning | None = None,
        image_size: tuple[int, int] | tuple[int, int, int] = (28, 28),
        read_from: str | None = None,
        tau_trace: float | None = None,
        controls: list[ControlKind] | dict[str, Control] | None = None,
        control_readouts: dict[str, Callable[[int, int], Readout]] | None = None,
        few_labels: int | list[int] | None = None,
        cache: bool | None = None,
        optimizer: OptimizerCallable = torch.optim.Adam,
        learning_rates: dict[str, float] | None = None,
        scheduler: LRSchedulerCallable | None = None,
        phases: dict[str, TrainingPhase] | None = None,
        truncate_steps: int | None = None,
        checkpoint_steps: int | None = None,
        seed: RootSeed = None,
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
            learning=learning,
            connections=connections,
            dt=dt,
            min_delay=min_delay,
            read_from=read_from,
            tau_trace=tau_trace,
            controls={name: control for name, control in named.items() if name not in raw},
            control_readouts=control_readouts,
            inputs=dict.fromkeys(raw, prod(shape)),
            few_labels=few_labels,
            cache=cache,
            optimizer=optimizer,
            learning_rates=learning_rates,
            scheduler=scheduler,
            phases=phases,
            truncate_steps=truncate_steps,
            checkpoint_steps=checkpoint_steps,
            seed=seed,
        )
        self.num_classes, self.image_size = num_classes, tuple(image_size)
        self._shape, self._raw = shape, raw
        self.confusion = ConfusionMatrix(task="multiclass", num_classes=num_classes)

    def metrics(self) -> dict[str, Metric]:
        """Accuracy and macro F1."""
        return {
            "accuracy": MulticlassAccuracy(self.num_classes, average="micro"),
            "macro_f1": MulticlassF1Score(self.num_classes, average="macro"),
        }

    def target(self, batch: Parts) -> Tensor:
        """Labels ``[B]``."""
        return checks.labels(super().target(batch), self.num_classes)

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
        if key == TEST:
            self.confusion.update(scores[NETWORK], label)

    def predict_step(self, batch: Any, batch_idx: int) -> Prediction:
        """Classes and probabilities of a batch."""
        del batch_idx
        given = parts(batch)
        probability, label = self(given.input).softmax(1).max(1)
        sample = torch.full_like(label, -1) if given.sample is None else given.sample
        return Prediction(sample, label, probability)


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
