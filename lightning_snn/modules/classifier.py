"""The classifier: encoder, spiking stack and readout as a LightningModule."""

import copy
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Any, Self, cast

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable, ReduceLROnPlateau
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics import ConfusionMatrix

from lightning_snn.core import checks, settings
from lightning_snn.core.batches import Prediction
from lightning_snn.core.config import Configurable, made_by, public_path, to_config
from lightning_snn.core.random import (
    PLAIN,
    RandomStream,
    RootSeed,
    drawing,
    is_drawn,
    rerouted,
    root_seed,
    torch_seeded,
)
from lightning_snn.data import Batch
from lightning_snn.development.controls import Control, ControlNetwork, check_controls
from lightning_snn.encoders import ConstantCurrent, Encoder
from lightning_snn.network import SpikingLayer, SpikingStack
from lightning_snn.presentation.measures import StageMeasures
from lightning_snn.presentation.present import NETWORK, Presentation, present
from lightning_snn.presentation.table import FeatureTable, tabulate
from lightning_snn.readout import MLP, Readout, uses_gradients
from lightning_snn.trainer import checkpoint_checks, checkpoint_file, checkpoint_format
from lightning_snn.trainer.checkpoint_file import use_whole_files
from lightning_snn.trainer.generators import generator_states, restore_generators
from lightning_snn.trainer.queries import (
    check_precision,
    finders,
    is_fitting,
    is_trial,
    require_wired,
    warn_if_unwired,
)


class SpikingClassifier(Configurable, LightningModule):
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

    _jit_is_scripting = True  # torch.jit.trace reads every attribute: without a Trainer, `trainer` is None

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
        super().__init__()
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
        _check_monitored(scheduler)
        seed_is_drawn = is_drawn(seed)
        encoder, root = encoder or ConstantCurrent(), root_seed(seed)
        seed = "plain" if root == PLAIN else root
        self.save_hyperparameters(
            {
                "_class_path": public_path(type(self)),
                "_instantiator": "lightning.pytorch.cli.instantiate_module",
                "layers": to_config(layers, key="layers"),
                "encoder": to_config(encoder, key="encoder"),
                "readout": to_config(readout, key="readout"),
                "num_classes": num_classes,
                "image_size": list(image_size),
                "tau_trace": tau_trace,
                "controls": list(controls or []),
                "cache": cache,
                "optimizer": to_config(optimizer, key="optimizer"),
                "scheduler": to_config(scheduler, key="scheduler"),
                "seed": seed,
            }
        )
        self._store_arguments_of_a_subclass(seed)
        self.stack = SpikingStack(layers, seed=seed)
        self.encoder = rerouted(encoder, root, NETWORK)
        self.num_classes, self.image_size = num_classes, tuple(image_size)
        self.tau_trace = tau_trace
        self.make_optimizer, self.make_scheduler = optimizer, scheduler
        self.cache_required = bool(cache)
        self.cache = self._may_cache() if cache is None else cache
        if self.cache and not self._may_cache():
            raise ValueError("cache must not be True where weights are trained or input is not repeatable")
        self.encode_seconds = 0.0
        self._table: FeatureTable | None = None
        self._seed_is_drawn = seed_is_drawn
        self._generators: dict[str, Tensor] = {}
        self._finders: list[str] = []
        self._lr: float | None = None
        kinds = [kind for kind in controls or [] if kind != "pixels"]
        self.controls = nn.ModuleDict({kind: ControlNetwork(kind, self.stack) for kind in kinds})
        sizes = {name: self.stack.top.num_nodes for name in (NETWORK, *kinds)}
        if "pixels" in (controls or []):
            sizes["pixels"] = image_size[0] * image_size[1]
        self.readouts = nn.ModuleDict(
            {name: _drawn(readout, size, num_classes, root, name) for name, size in sizes.items()}
        )
        self.automatic_optimization = uses_gradients(self.readout, self.stack)
        self.measures = nn.ModuleDict(
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
        return cast(Readout, self.readouts[NETWORK])

    def forward(self, images: Tensor) -> Tensor:
        """Class scores ``[B, num_classes]`` of images ``[B, 1, H, W]`` in [0, 1]."""
        scores: Tensor = self.readout(self.present(images, with_controls=False).features[NETWORK])
        return scores

    def present(self, images: Tensor, *, with_controls: bool = True) -> Presentation:
        """Show images to the network and, where asked, to its controls; see `features.present`.

        Raises:
            ValueError: if the images are not ``[B, 1, H, W]`` of ``image_size`` with values in [0, 1].
        """
        checks.images(images)
        if images.shape[2:] != self.image_size:
            raise ValueError(f"images must be {self.image_size} (image_size), got {tuple(images.shape[2:])}")
        networks = cast(dict[str, ControlNetwork], dict(self.controls.items()))
        return present(
            images.to(self.stack.bottom.positions.dtype),
            self.stack,
            self.encoder,
            controls={name: c.projections for name, c in networks.items()} if with_controls else {},
            tau_trace=self.tau_trace,
        )

    def setup(self, stage: str) -> None:
        """Check and prepare the Trainer before anything runs."""
        del stage
        check_precision(self.trainer)
        use_whole_files(self.trainer)
        self._finders = finders(self.trainer)  # they take the callbacks away

    def on_train_start(self) -> None:
        """Wire the controls, then compute the features once; neither in a trial, which leaves no trace.

        From here on a resumed run draws what it would have drawn without the interruption.
        """
        if is_trial(self.trainer):
            return
        require_wired(self.stack.unwired, self._finders)
        for control in self.controls.values():
            cast(ControlNetwork, control).wire(self.stack)
        if self.cache:
            self._table, self.encode_seconds = tabulate(
                self.trainer, self.present, required=self.cache_required
            )
        restore_generators(self.trainer, self._generators)
        self._generators = {}

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

    def configure_optimizers(self) -> Any:
        """The optimizer of the parameters that need a gradient, and the scheduler."""
        trained = [p for p in self.parameters() if p.requires_grad]
        optimizer = _made("optimizer", self.make_optimizer, trained)
        if self._lr is not None:
            for group in optimizer.param_groups:
                group["lr"] = self._lr
        if self.make_scheduler is None:
            return optimizer
        scheduler = _made("scheduler", self.make_scheduler, optimizer)
        monitor = {"monitor": scheduler.monitor} if isinstance(scheduler, ReduceLROnPlateau) else {}
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler} | monitor}

    @property
    def lr(self) -> float:
        """Learning rate of the optimizer; one that is set, as Lightning's finder does, is taken from then on.

        Raises:
            AttributeError: if the optimizer has none.
        """
        if self._lr is not None:
            return self._lr
        group = self.make_optimizer([nn.Parameter(torch.zeros(1))]).param_groups[0]
        if "lr" not in group:
            raise AttributeError(f"the optimizer has no learning rate, only {', '.join(group)}")
        return float(group["lr"])

    @lr.setter
    def lr(self, value: float) -> None:
        checks.positive("lr", value)
        self._lr = value

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say which version of the package wrote it; add the states of all processes' generators in a fit."""
        checkpoint[checkpoint_format.STAMP] = checkpoint_format.stamp()
        if is_fitting(self._trainer):
            checkpoint["generators"] = generator_states(self.trainer)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Bring the checkpoint to the present format, and check it; a seed that was drawn gives way to its.

        Raises:
            ValueError: if it is of another network, damaged or of a newer format; in a fit also if it was
                written with other hyperparameters, or no run can go on from it.
        """
        checkpoint_format.translate(checkpoint)
        checkpoint_checks.check_finite(checkpoint["state_dict"])
        self._generators = {}
        if is_fitting(self._trainer):
            self._generators = checkpoint.get("generators", {})
            checkpoint_checks.check_can_resume(checkpoint)
            theirs = checkpoint.get(checkpoint_format.SETTINGS, {})
            free = ("cache", "seed") if self._seed_is_drawn else ("cache",)
            settings.check_same_settings(theirs, dict(self.hparams), of="model", free=free)
            if "seed" in theirs.keys() & self.hparams.keys():
                self.hparams["seed"] = theirs["seed"]

    @classmethod
    def load_from_checkpoint(cls, checkpoint_path: Any, *args: Any, **kwargs: Any) -> Self:
        """As Lightning's; the model is of the subclass that wrote the file, where that is imported.

        A file of an older format is translated first.

        Raises:
            ValueError: as `on_load_checkpoint`.
        """
        trusted = kwargs.get("weights_only") is False
        file, written_by = checkpoint_file.opened(checkpoint_path, weights_only=not trusted)
        kind = written_by if isinstance(written_by, type) and issubclass(written_by, cls) else cls
        return super(SpikingClassifier, kind).load_from_checkpoint(file, *args, **kwargs)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """As in torch, but where ``strict`` the error names the first tensor that is another.

        Raises:
            ValueError: if the tensors are of another network.
        """
        try:
            return super().load_state_dict(state_dict, strict=strict, assign=assign)
        except RuntimeError:
            checkpoint_checks.check_same_network(state_dict, self.state_dict())
            raise

    def save_hyperparameters(self, *args: Any, frame: FrameType | None = None, **kwargs: Any) -> None:
        """As in Lightning, for subclasses with arguments of their own: objects are stored as plain values."""
        super().save_hyperparameters(*args, frame=frame or sys._getframe(1), **kwargs)
        self._set_hparams({name: to_config(value, key=name) for name, value in self.hparams.items()})
        self._hparams_initial = copy.deepcopy(self._hparams)

    def _store_arguments_of_a_subclass(self, seed: RootSeed) -> None:
        """A constructor of its own is called again with what it was given, not with what it handed on.

        The seed is one that was drawn, if the constructor takes any.
        """
        if type(self).__init__ is SpikingClassifier.__init__:
            return
        kept = {name: value for name, value in self.hparams.items() if name.startswith("_")}
        kept |= {name: to_config(value, key=name) for name, value in self._init_args.items()}
        parameters = inspect.signature(type(self)).parameters
        if "seed" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            kept["seed"] = seed
        self.hparams.clear()
        self._set_hparams(kept)
        self._hparams_initial = copy.deepcopy(self._hparams)

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
            cast(Readout, self.readouts[name]).learn(features, label, combine=combine)
        cast(LightningOptimizer, self.optimizers()).step()

    def _evaluate(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        label = self._labels(batch)
        shown = self._presentation(batch)
        scores = self._all_scores(batch, shown)
        measures = cast(StageMeasures, self.measures[stage])
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


def _made(name: str, make: Callable[[Any], Any], argument: Any) -> Any:
    """What a factory of torch's makes; its error names the argument of the classifier."""
    try:
        return make(argument)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ValueError(f"{name}: {error}") from error


def _check_monitored(scheduler: LRSchedulerCallable | None) -> None:
    """Raise ``ValueError`` for torch's ``ReduceLROnPlateau``, which does not say what it monitors."""
    kind = made_by(scheduler) or object
    plateau = issubclass(kind, torch.optim.lr_scheduler.ReduceLROnPlateau)
    if plateau and not issubclass(kind, ReduceLROnPlateau):
        raise ValueError(
            "scheduler must say what it monitors: give lightning.pytorch.cli.ReduceLROnPlateau with its "
            "monitor, such as val/accuracy with mode max, got torch's own ReduceLROnPlateau"
        )
