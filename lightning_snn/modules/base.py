"""What every LightningModule with a spiking network does, whatever it learns."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torchmetrics import Metric

from lightning_snn.core.batches import Parts, parts
from lightning_snn.core.module_dict import ModuleDictOf
from lightning_snn.core.random import RootSeed
from lightning_snn.development.controls import Controls
from lightning_snn.encoders import Encoder
from lightning_snn.modules.drawn import readouts_of
from lightning_snn.modules.optimization import Optimization
from lightning_snn.modules.presenting import PresentingModule
from lightning_snn.network import Connection, SpikingLayer
from lightning_snn.presentation.measures import StageMeasures
from lightning_snn.presentation.present import NETWORK, Presentation
from lightning_snn.readout import LocalReadout, Readout, uses_gradients


class SpikingModule(PresentingModule):
    """A network of spiking neurons as a LightningModule: encoders, readouts, optimizer, measures.

    A subclass says what is learned: `loss`, `metrics`, `target`. Batches are ``(input, target)``, or with
    the samples' numbers ``[B]`` as third item, as those of `data.BatchLoader`, which lets features be kept.

    Args:
        layers: The layers of the network by name, as they run.
        encoder: What a batch becomes at the input layers: one encoder, or one for each by name.
        readout: ``(in_features, out_features) -> Readout``.
        out_features: Size of what the readout gives.
        controls: Networks trained beside this one on the same input, by name.
        inputs: Sizes of features beside those of the network and its controls, by name; see `features`.
        **options: All others as `SpikingClassifier` has them.

    Raises:
        ValueError: if an argument is out of range or cannot be stored, or the parts do not fit together.
    """

    def __init__(
        self,
        layers: Mapping[str, SpikingLayer],
        encoder: Encoder | Mapping[str, Encoder],
        readout: Callable[[int, int], Readout],
        out_features: int,
        *,
        connections: Mapping[str, Connection] | None = None,
        dt: float | None = None,
        read_from: str | None = None,
        tau_trace: float | None = None,
        controls: Controls | None = None,
        inputs: Mapping[str, int] | None = None,
        cache: bool | None = None,
        optimizer: OptimizerCallable = torch.optim.Adam,
        learning_rates: Mapping[str, float] | None = None,
        scheduler: LRSchedulerCallable | None = None,
        seed: RootSeed = None,
    ) -> None:
        super().__init__(
            layers, encoder, connections=connections, dt=dt, read_from=read_from, tau_trace=tau_trace,
            controls=controls, cache=cache, seed=seed,
        )  # fmt: skip
        size = self.network.layer(self.read_from).num_nodes
        sizes = dict.fromkeys([NETWORK, *self.controls], size) | dict(inputs or {})
        self.readouts = readouts_of(readout, sizes, out_features, seed=int(self.network.seed))
        self.automatic_optimization = uses_gradients(self.readout, self.network)
        names = (name for name, _ in self.trained_parts())
        self.optimization = Optimization(optimizer, scheduler, learning_rates or {}, names)
        self.measures = ModuleDictOf[StageMeasures]()

    def loss(self, scores: Tensor, target: Tensor) -> Tensor:
        """What is minimised, of what a readout gives ``[B, out_features]``; a subclass says it."""
        raise NotImplementedError(f"{type(self).__name__} must define loss(scores, target)")

    def metrics(self) -> dict[str, Metric]:
        """What is updated with scores ``[B, out_features]`` and target in validation and test, by name."""
        return {}

    def regularisation(self, shown: Presentation) -> Tensor | None:  # noqa: ARG002
        """What is added to the loss, such as a cost of spikes; nothing by default.

        ``shown.spikes`` are those ``[T, B, N]`` of each layer, but none where features are kept.
        """
        return None

    def target(self, batch: Parts) -> Tensor:
        """What is to be learned from a batch, such as its second part; the input to learn to rebuild it."""
        if not isinstance(batch.target, Tensor):
            given = "an input alone" if batch.target is None else f"a target of {type(batch.target).__name__}"
            raise ValueError(f"a batch must be (input, target) or (input, target, sample), got {given}")
        return batch.target

    def features(self, batch: Parts, shown: Presentation) -> dict[str, Tensor]:  # noqa: ARG002
        """What each readout sees ``[B, F]``, by its name."""
        return shown.features

    @property
    def readout(self) -> Readout:
        """The network's own readout."""
        return self.readouts[NETWORK]

    def forward(self, input: Any) -> Tensor:
        """Scores ``[B, out_features]`` of what the encoders take."""
        scores: Tensor = self.readout(self.present(input, with_controls=False).features[NETWORK])
        return scores

    def setup(self, stage: str) -> None:
        """As in the base class; make the measures."""
        super().setup(stage)
        if not self.measures:
            networks, graded = list(self.readouts), self.network.graded
            layers = self.network.needed_for([self.read_from])
            for name in ("val", "test"):
                self.measures[name] = StageMeasures(name, networks, layers, self.metrics, graded=graded)
        for measures in self.measures.values():
            measures.reset()  # Trainer.validate leaves tensors of inference mode, which fit cannot change

    def training_step(self, batch: Any, batch_idx: int) -> Tensor | None:
        """The summed loss of the network and its controls; they share no trained parameter.

        Readouts that learn without gradients do so here, and there is no loss.
        """
        del batch_idx
        given = parts(batch)
        target, shown = self.target(given), self.presentation(given)
        if not self.automatic_optimization:
            self._learn_locally(self.features(given, shown), target)
            return None
        scores = self._scores(given, shown)
        losses = {name: self.loss(values, target) for name, values in scores.items()}
        self.log("train/loss", losses[NETWORK], prog_bar=True, batch_size=len(target))
        total, extra = torch.stack(list(losses.values())).sum(), self.regularisation(shown)
        return total if extra is None else total + extra

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Measures of the validation samples."""
        del batch_idx
        self.evaluate(batch, "val")

    def test_step(self, batch: Any, batch_idx: int) -> None:
        """Measures of the test samples."""
        del batch_idx
        self.evaluate(batch, "test")

    def predict_step(self, batch: Any, batch_idx: int) -> Any:
        """Scores of a batch."""
        del batch_idx
        return self(parts(batch).input)

    def evaluate(self, batch: Any, stage: str) -> tuple[dict[str, Tensor], Tensor]:
        """Measure and log a batch of ``val`` or ``test``; returns scores by network, and the target."""
        given = parts(batch)
        target, shown = self.target(given), self.presentation(given)
        scores, measures = self._scores(given, shown), self.measures[stage]
        measures.update(scores, target, shown)
        for name, metric in measures.named().items():
            self.log(name, metric, prog_bar=name.endswith("/accuracy"), batch_size=len(target))
        return scores, target

    def configure_optimizers(self) -> Any:
        """The optimizer of the parameters that need a gradient, and the scheduler."""
        return self.optimization.of([p for p in self.parameters() if p.requires_grad], self.trained_parts())

    @property
    def lr(self) -> float:
        """Learning rate of what has none of its own; Lightning's finder sets it."""
        return self.optimization.lr

    @lr.setter
    def lr(self, value: float) -> None:
        self.optimization.lr = value

    def trained_parts(self) -> Iterator[tuple[str, nn.Module]]:
        """Layers, connections and readouts by the name that a learning rate of their own may have."""
        yield from self.network.layers.items()
        yield from self.network.projections.items()
        for control in self.controls.values():
            yield from control.projections.items()
        yield from (("readout", readout) for readout in self.readouts.values())

    def _scores(self, batch: Parts, shown: Presentation) -> dict[str, Tensor]:
        return {name: self.readouts[name](values) for name, values in self.features(batch, shown).items()}

    def _learn_locally(self, features: Mapping[str, Tensor], target: Tensor) -> None:
        """The optimizer has no gradients to apply; its step is what Lightning counts."""
        combine = partial(self.trainer.strategy.reduce, reduce_op="sum")
        for name, values in features.items():
            readout = self.readouts[name]
            assert isinstance(readout, LocalReadout)
            readout.learn(values, target, combine=combine)
            if self.trainer.is_last_batch:
                readout.end_epoch()
        optimizer = self.optimizers()
        assert isinstance(optimizer, LightningOptimizer)
        optimizer.step()
