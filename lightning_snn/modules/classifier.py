"""The classifier: encoder, spiking stack and readout as a LightningModule."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics import ConfusionMatrix

from lightning_snn.core import checks
from lightning_snn.core.batches import Batch, Prediction
from lightning_snn.core.module_dict import ModuleDictOf
from lightning_snn.core.random import (
    PLAIN,
    RandomStream,
    RootSeed,
    drawing,
    rerouted,
    root_seed,
    torch_seeded,
)
from lightning_snn.development.controls import Control, ControlNetwork, check_controls
from lightning_snn.encoders import ConstantCurrent, Encoder
from lightning_snn.modules.base import SpikingModule
from lightning_snn.network import SpikingLayer, SpikingStack
from lightning_snn.presentation.measures import StageMeasures
from lightning_snn.presentation.present import NETWORK, Presentation, present
from lightning_snn.presentation.table import FeatureTable, tabulate
from lightning_snn.readout import MLP, Readout, uses_gradients
from lightning_snn.trainer.queries import is_trial, warn_if_unwired


class SpikingClassifier(SpikingModule):
    """Classifies images by the spikes that they evoke in a stack of layers.

    Batches are ``(image [B, 1, H, W] in [0, 1], label [B])``, or with the samples' numbers ``[B]`` as third
    item, as those of `data.BatchLoader`, which lets features be kept. Images may be of any floating point
    type, labels of any integer type.

    Args:
        layers: The layers of the stack by name, bottom first.
        encoder: Grey values at the nodes to currents; a constant current by default.
        readout: ``(in_features, num_classes) -> Readout``.
        num_classes: Number of classes.
        image_size: Height and width of the images.
        tau_trace: Time constant in ms of the spike traces that the readout sees; None counts spikes.
        controls: Networks trained beside this one on the same images: ``random`` (same fan-in, nodes
            by chance), ``grid`` (pooling made by hand) and ``pixels`` (no network).
        cache: Whether the features of the training and validation images are computed once; None: where
            the encoder is repeatable and no weight of the stack is trained.
        optimizer: ``parameters -> Optimizer``; it gets those that need a gradient.
        scheduler: ``optimizer -> scheduler``, stepped every epoch. Of ``ReduceLROnPlateau`` take that of
            ``lightning.pytorch.cli``, which says what it monitors: ``val/accuracy`` with mode ``max``, say.
        seed: What is random in the network, its controls, readouts and stimuli is drawn from it, each under
            its own name, unless it has a seed of its own; by default the run's, or one by torch's generator.
            It stands in the checkpoint. ``plain``: see `SpikingStack`.

    Raises:
        ValueError: if an argument is out of range or cannot be stored, or the layers do not fit together.
    """

    def __init__(
        self,
        layers: dict[str, SpikingLayer],
        encoder: Encoder | None = None,
        readout: Callable[[int, int], Readout] = MLP,
        *,
        num_classes: int = 10,
        image_size: tuple[int, int] = (28, 28),
        tau_trace: float | None = None,
        controls: list[Control] | None = None,
        cache: bool | None = None,
        optimizer: OptimizerCallable = torch.optim.Adam,
        scheduler: LRSchedulerCallable | None = None,
        seed: RootSeed = None,
    ) -> None:
        super().__init__(optimizer, scheduler, seed=seed)
        checks.count("num_classes", num_classes)
        if num_classes == 1:
            raise ValueError("num_classes must be 2 or above, got 1")
        if not isinstance(image_size, Sequence) or len(image_size) != 2:
            raise ValueError(f"image_size must be two whole numbers, height and width, got {image_size}")
        for size in image_size:
            checks.count("image_size", size)
        if tau_trace is not None:
            checks.positive("tau_trace", tau_trace)
        check_controls(controls or [])
        encoder, root = encoder or ConstantCurrent(), root_seed(seed)
        seed = "plain" if root == PLAIN else root
        self.store_arguments(
            SpikingClassifier,
            {
                "layers": layers,
                "encoder": encoder,
                "readout": readout,
                "num_classes": num_classes,
                "image_size": image_size,
                "tau_trace": tau_trace,
                "controls": controls or [],
                "cache": cache,
                "optimizer": optimizer,
                "scheduler": scheduler,
                "seed": seed,
            },
        )
        self.stack = SpikingStack(layers, seed=seed)
        self.encoder = rerouted(encoder, root, NETWORK)
        self.num_classes, self.image_size = num_classes, tuple(image_size)
        self.tau_trace = tau_trace
        self.cache_required = bool(cache)
        self.cache = self._may_cache() if cache is None else cache
        if self.cache and not self._may_cache():
            raise ValueError("cache must not be True where weights are trained or input is not repeatable")
        self.encode_seconds = 0.0
        self._table: FeatureTable | None = None
        kinds = [kind for kind in controls or [] if kind != "pixels"]
        self.controls = ModuleDictOf[ControlNetwork](
            {kind: ControlNetwork(kind, self.stack) for kind in kinds}
        )
        sizes = {name: self.stack.top.num_nodes for name in (NETWORK, *kinds)}
        if "pixels" in (controls or []):
            sizes["pixels"] = image_size[0] * image_size[1]
        self.readouts = ModuleDictOf[Readout](
            {name: _drawn(readout, size, num_classes, root, name) for name, size in sizes.items()}
        )
        self.automatic_optimization = uses_gradients(self.readout, self.stack)
        self.measures = ModuleDictOf[StageMeasures](
            {
                stage: StageMeasures(
                    stage, list(self.readouts), self.stack.names, num_classes, graded=self.stack.graded
                )
                for stage in ("val", "test")
            }
        )
        self.confusion = ConfusionMatrix(task="multiclass", num_classes=num_classes)
        self.register_load_state_dict_post_hook(_follow_seed)  # type: ignore[no-untyped-call]

    @property
    def readout(self) -> Readout:
        """The network's own readout."""
        return self.readouts[NETWORK]

    def forward(self, images: Tensor) -> Tensor:
        """Class scores ``[B, num_classes]`` of images ``[B, 1, H, W]`` in [0, 1]."""
        scores: Tensor = self.readout(self.present(images, with_controls=False).features[NETWORK])
        return scores

    def present(self, images: Tensor, *, with_controls: bool = True) -> Presentation:
        """Show images to the network and, where asked, to its controls; see `present`.

        Raises:
            ValueError: if the images are not ``[B, 1, H, W]`` of ``image_size`` with values in [0, 1].
        """
        checks.images(images)
        if images.shape[2:] != self.image_size:
            raise ValueError(f"images must be {self.image_size} (image_size), got {tuple(images.shape[2:])}")
        return present(
            images.to(self.stack.bottom.positions.dtype),
            self.stack,
            self.encoder,
            controls={name: c.projections for name, c in self.controls.items()} if with_controls else {},
            tau_trace=self.tau_trace,
        )

    def on_train_start(self) -> None:
        """Wire the controls, then compute the features once; neither in a trial, which leaves no trace.

        From here on a resumed run draws what it would have drawn without the interruption.
        """
        if is_trial(self.trainer):
            return
        self.require_wired()
        for control in self.controls.values():
            control.wire(self.stack)
        if self.cache:
            self._table, self.encode_seconds = tabulate(
                self.trainer, self.present, required=self.cache_required
            )
        self.draw_as_before()

    def on_fit_end(self) -> None:
        """Free the features."""
        self._table = None

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor | None:
        """The summed loss of the network and its controls; they share no trained parameter.

        Readouts that learn without gradients do so here, and there is no loss.
        """
        del batch_idx
        label = self._labels(batch)
        if not self.automatic_optimization:
            self._learn_locally(batch, label)
            return None
        scores = self._all_scores(batch, self._presentation(batch))
        losses = {name: F.cross_entropy(values, label) for name, values in scores.items()}
        self.log("train/loss", losses[NETWORK], prog_bar=True, batch_size=len(label))
        return torch.stack(list(losses.values())).sum()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Accuracy, macro F1 and activity on the validation images."""
        del batch_idx
        self._evaluate(batch, "val")

    def on_test_epoch_start(self) -> None:
        """Start a new confusion matrix."""
        warn_if_unwired(self.trainer, self.stack.unwired)
        self.confusion.reset()

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Accuracy, macro F1, confusion matrix and activity on the test images."""
        del batch_idx
        scores = self._evaluate(batch, "test")
        self.confusion.update(scores[NETWORK], self._labels(batch))

    def on_predict_epoch_start(self) -> None:
        """Warn of a network that is not wired."""
        warn_if_unwired(self.trainer, self.stack.unwired)

    def predict_step(self, batch: Batch, batch_idx: int) -> Prediction:
        """Classes and probabilities of a batch."""
        del batch_idx
        probability, label = self(batch[0]).softmax(1).max(1)
        sample = batch[2] if len(batch) > 2 else torch.full_like(label, -1)
        return Prediction(sample, label, probability)

    def _may_cache(self) -> bool:
        trained = any(p.requires_grad for p in self.stack.parameters())
        noisy = any(self.stack.layer(name).noise > 0 for name in self.stack.names)
        return self.encoder.repeatable and not trained and not noisy

    def _labels(self, batch: Batch) -> Tensor:
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            given = f"{len(batch)} item" if isinstance(batch, tuple | list) else type(batch).__name__
            raise ValueError(f"a batch must be (image, label) or (image, label, sample), got {given}")
        return checks.labels(batch[1], self.num_classes)

    def _presentation(self, batch: Batch) -> Presentation:
        """From the table in training and validation, which hold the samples that it holds."""
        fitting = self.trainer.training or self.trainer.validating
        if self._table is not None and fitting and not self.trainer.sanity_checking:
            return self._table[batch[2]]
        return self.present(batch[0])

    def _features(self, batch: Batch, shown: Presentation) -> dict[str, Tensor]:
        if "pixels" not in self.readouts:
            return shown.features
        return shown.features | {"pixels": batch[0].flatten(1).to(shown.features[NETWORK].dtype)}

    def _all_scores(self, batch: Batch, shown: Presentation) -> dict[str, Tensor]:
        return {name: self.readouts[name](values) for name, values in self._features(batch, shown).items()}

    def _learn_locally(self, batch: Batch, label: Tensor) -> None:
        """The optimizer has no gradients to apply; its step is what Lightning counts."""
        combine = partial(self.trainer.strategy.reduce, reduce_op="sum")
        for name, features in self._features(batch, self._presentation(batch)).items():
            self.readouts[name].learn(features, label, combine=combine)
        optimizer = self.optimizers()
        assert isinstance(optimizer, LightningOptimizer)
        optimizer.step()

    def _evaluate(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        label = self._labels(batch)
        shown = self._presentation(batch)
        scores = self._all_scores(batch, shown)
        measures = self.measures[stage]
        measures.update(scores, label, shown)
        for name, metric in measures.named().items():
            self.log(name, metric, prog_bar=name.endswith("/accuracy"), batch_size=len(label))
        return scores


def _drawn(
    readout: Callable[[int, int], Readout], in_features: int, num_classes: int, seed: int, network: str
) -> Readout:
    """The readout of a network, which starts from weights of its own."""
    with drawing(seed, network), torch_seeded(RandomStream(max(seed, 0), f"readout/{network}")):
        return readout(in_features, num_classes)


def _follow_seed(model: nn.Module, keys: Any) -> None:
    """After loading: the encoder draws from the seed in the file."""
    del keys
    assert isinstance(model, SpikingClassifier)
    model.encoder = rerouted(model.encoder, int(model.stack.seed), NETWORK)
