"""What every LightningModule with a spiking network does, whatever it learns."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torchmetrics import Metric

from lightning_snn.core import checks
from lightning_snn.core.batches import Parts, parts
from lightning_snn.core.module_dict import ModuleDictOf
from lightning_snn.core.random import RandomStream, RootSeed, drawing, torch_seeded
from lightning_snn.development.controls import Control, ControlNetwork
from lightning_snn.encoders import Encoder
from lightning_snn.modules.encoding import encoders_of, follow_seed
from lightning_snn.modules.optimizers import check_monitored, check_rates, configured, default_rate
from lightning_snn.modules.stored import StoredModule
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.presentation.measures import StageMeasures
from lightning_snn.presentation.present import NETWORK, Presentation, present
from lightning_snn.presentation.table import FeatureTable, tabulate
from lightning_snn.readout import LocalReadout, Readout, uses_gradients
from lightning_snn.trainer.checkpoint_file import use_whole_files
from lightning_snn.trainer.queries import check_precision, finders, is_trial, require_wired, warn_if_unwired


class SpikingModule(StoredModule):
    """A network of spiking neurons as a LightningModule: encoders, readouts, optimizer, measures.

    A subclass says what is learned: `loss`, `metrics`, `target`. Batches are ``(input, target)``, or with
    the samples' numbers ``[B]`` as third item, as those of `data.BatchLoader`, which lets features be kept.

    Args:
        layers, connections, dt: As `SpikingNetwork` has them.
        encoder: What a batch becomes at the input layers: one encoder, or one for each by name.
        readout: ``(in_features, out_features) -> Readout``.
        out_features: Size of what the readout gives.
        read_from: Name of the layer that the readout sees; the last by default.
        tau_trace: Time constant in ms of the spike traces that the readout sees; None counts spikes.
        controls: Networks trained beside this one on the same input, by name.
        inputs: Sizes of further features, by the name of a readout of their own; see `features`.
        cache: Whether the features of the training and validation samples are computed once; None: where
            the encoders are repeatable and no weight of the network is trained.
        optimizer, learning_rates, scheduler, seed: As `SpikingClassifier` has them.
    """

    _jit_is_scripting = True  # torch.jit.trace reads every attribute: without a Trainer, `trainer` is None

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
        controls: Mapping[str, Control] | None = None,
        inputs: Mapping[str, int] | None = None,
        cache: bool | None = None,
        optimizer: OptimizerCallable = torch.optim.Adam,
        learning_rates: Mapping[str, float] | None = None,
        scheduler: LRSchedulerCallable | None = None,
        seed: RootSeed = None,
    ) -> None:
        super().__init__(seed)
        if tau_trace is not None:
            checks.positive("tau_trace", tau_trace)
        check_monitored(scheduler)
        self.network = SpikingNetwork(layers, connections, dt=dt, seed=self.root)
        root = int(self.network.seed)
        self.encoders = encoders_of(encoder, self.network)
        self.read_from = self.network.names[-1] if read_from is None else read_from
        checks.one_of("read_from", self.read_from, self.network.names)
        self.tau_trace, self.out_features = tau_trace, out_features
        self.make_optimizer, self.make_scheduler = optimizer, scheduler
        self.learning_rates = dict(learning_rates or {})
        check_rates(self.learning_rates, [*self.network.names, *self.network.connections, "readout"])
        self.cache_required = bool(cache)
        self.cache = self._may_cache() if cache is None else cache
        if self.cache and not self._may_cache():
            raise ValueError("cache must not be True where weights are trained or input is not repeatable")
        self.encode_seconds = 0.0
        self._table: FeatureTable | None = None
        self._finders: list[str] = []
        self._lr: float | None = None
        self.controls = ModuleDictOf[ControlNetwork](
            {name: ControlNetwork(control, self.network) for name, control in (controls or {}).items()}
        )
        size = self.network.layer(self.read_from).num_nodes
        sizes = dict.fromkeys([NETWORK, *self.controls], size) | dict(inputs or {})
        self.readouts = ModuleDictOf[Readout](
            {name: _drawn(readout, size, out_features, root, name) for name, size in sizes.items()}
        )
        self.automatic_optimization = uses_gradients(self.readout, self.network)
        self.measures = ModuleDictOf[StageMeasures]()
        self.register_load_state_dict_post_hook(follow_seed)  # type: ignore[no-untyped-call]

    def loss(self, scores: Tensor, target: Tensor) -> Tensor:
        """What is minimised, of what a readout gives ``[B, out_features]``; a subclass says it."""
        raise NotImplementedError(f"{type(self).__name__} must define loss(scores, target)")

    def metrics(self) -> dict[str, Metric]:
        """What the scores of a network are measured by in validation and test, by name; none by default.

        Each is updated with the scores ``[B, out_features]`` and the target.
        """
        return {}

    def regularisation(self, shown: Presentation) -> Tensor | None:
        """What is added to the loss, such as a cost of spikes; nothing by default.

        ``shown.spikes`` are those ``[T, B, N]`` of each layer, but none where features are kept.
        """
        del shown

    def target(self, batch: Parts) -> Tensor:
        """What is to be learned from a batch."""
        if batch.target is None:
            raise ValueError("a batch must be (input, target) or (input, target, sample), got an input alone")
        target: Tensor = batch.target
        return target

    def features(self, batch: Parts, shown: Presentation) -> dict[str, Tensor]:
        """What each readout sees ``[B, F]``, by its name."""
        del batch
        return shown.features

    @property
    def readout(self) -> Readout:
        """The network's own readout."""
        return self.readouts[NETWORK]

    def forward(self, input: Any) -> Tensor:
        """Scores ``[B, out_features]`` of what the encoders take."""
        scores: Tensor = self.readout(self.present(input, with_controls=False).features[NETWORK])
        return scores

    def present(self, input: Any, *, with_controls: bool = True) -> Presentation:
        """Show an input to the network and, where asked, to its controls; see `present`."""
        controls = {name: c.projections for name, c in self.controls.items()} if with_controls else {}
        return present(
            input, self.network, self.encoders, read_from=self.read_from, controls=controls,
            tau_trace=self.tau_trace,
        )  # fmt: skip

    def setup(self, stage: str) -> None:
        """Check and prepare the Trainer before anything runs."""
        del stage
        check_precision(self.trainer)
        use_whole_files(self.trainer)
        self._finders = finders(self.trainer)  # they take the callbacks away
        if not self.measures:
            layers, graded = self.network.needed_for([self.read_from]), self.network.graded
            for name in ("val", "test"):
                self.measures[name] = StageMeasures(
                    name, list(self.readouts), layers, self.metrics, graded=graded
                )

    def on_train_start(self) -> None:
        """Wire the controls, then compute the features once; neither in a trial, which leaves no trace.

        From here on a resumed run draws what it would have drawn without the interruption.
        """
        if is_trial(self.trainer):
            return
        require_wired(self.network.unwired, self._finders)
        for control in self.controls.values():
            control.wire(self.network)
        if self.cache:
            self._table, self.encode_seconds = tabulate(
                self.trainer, self.present, required=self.cache_required
            )
        self.draw_as_before()

    def on_fit_end(self) -> None:
        """Free the features."""
        self._table = None

    def on_test_epoch_start(self) -> None:
        """Warn of a network that is not wired."""
        warn_if_unwired(self.trainer, self.network.unwired)

    def on_predict_epoch_start(self) -> None:
        """Warn of a network that is not wired."""
        warn_if_unwired(self.trainer, self.network.unwired)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor | None:
        """The summed loss of the network and its controls; they share no trained parameter.

        Readouts that learn without gradients do so here, and there is no loss.
        """
        del batch_idx
        given = parts(batch)
        target, shown = self.target(given), self._presentation(given)
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
        """Measure and log a batch of a stage, ``val`` or ``test``; returns scores by network and target."""
        given = parts(batch)
        target, shown = self.target(given), self._presentation(given)
        scores, measures = self._scores(given, shown), self.measures[stage]
        measures.update(scores, target, shown)
        for name, metric in measures.named().items():
            self.log(name, metric, prog_bar=name.endswith("/accuracy"), batch_size=len(target))
        return scores, target

    def configure_optimizers(self) -> Any:
        """The optimizer of the parameters that need a gradient, and the scheduler."""
        trained = [p for p in self.parameters() if p.requires_grad]
        return configured(
            self.make_optimizer, self.make_scheduler, trained, self._parts(), self.learning_rates, lr=self._lr
        )

    @property
    def lr(self) -> float:
        """Learning rate of the optimizer; one that is set, as Lightning's finder does, is taken from then on.

        Parameters with `learning_rates` of their own keep these.

        Raises:
            AttributeError: if the optimizer has none.
        """
        return default_rate(self.make_optimizer) if self._lr is None else self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        checks.positive("lr", value)
        self._lr = value

    def _parts(self) -> Iterator[tuple[str, nn.Module]]:
        """What may have a learning rate of its own, by name."""
        yield from self.network.layers.items()
        for projections in (self.network.projections, *(c.projections for c in self.controls.values())):
            yield from projections.items()
        yield "readout", self.readouts

    def _may_cache(self) -> bool:
        layers = self.network.needed_for([self.read_from])
        trained = any(p.requires_grad for p in self.network.parameters())
        noisy = any(self.network.layer(name).noise > 0 for name in layers)
        return all(e.repeatable for e in self.encoders.values()) and not trained and not noisy

    def _presentation(self, batch: Parts) -> Presentation:
        """From the table in training and validation, which hold the samples that it holds."""
        fitting = self.trainer.training or self.trainer.validating
        if self._table is not None and fitting and not self.trainer.sanity_checking and batch.sample is not None:
            return self._table[batch.sample]
        return self.present(batch.input)

    def _scores(self, batch: Parts, shown: Presentation) -> dict[str, Tensor]:
        return {name: self.readouts[name](values) for name, values in self.features(batch, shown).items()}

    def _learn_locally(self, features: Mapping[str, Tensor], target: Tensor) -> None:
        """The optimizer has no gradients to apply; its step is what Lightning counts."""
        combine = partial(self.trainer.strategy.reduce, reduce_op="sum")
        for name, values in features.items():
            readout = self.readouts[name]
            assert isinstance(readout, LocalReadout)
            readout.learn(values, target, combine=combine)
        optimizer = self.optimizers()
        assert isinstance(optimizer, LightningOptimizer)
        optimizer.step()


def _drawn(
    readout: Callable[[int, int], Readout], in_features: int, out_features: int, seed: int, network: str
) -> Readout:
    """The readout of a network, which starts from weights of its own."""
    with drawing(seed, network), torch_seeded(RandomStream(max(seed, 0), f"readout/{network}")):
        return readout(in_features, out_features)
