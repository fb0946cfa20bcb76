"""How well the readouts of a module do: their features, and measures of every test."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor
from torchmetrics import Metric

from lightning_snn.core import checks
from lightning_snn.core.batches import Parts, parts
from lightning_snn.core.module_dict import ModuleDictOf
from lightning_snn.losses import Loss
from lightning_snn.losses.steps import mean_over_time
from lightning_snn.modules.drawn import readouts_of
from lightning_snn.modules.few_labels import FewLabels, LabelledSource, counts_of
from lightning_snn.modules.presenting import PresentingModule
from lightning_snn.presentation.measures import StageMeasures
from lightning_snn.presentation.present import NETWORK, Presentation
from lightning_snn.presentation.stages import TEST, stages_of
from lightning_snn.readout import Readout, SequenceReadout

_WATCHED = ("val/accuracy", f"{TEST}/accuracy", "val/mse", f"{TEST}/mse")
"""What the progress bar shows."""


class MeasuredModule(PresentingModule):
    """A network and controls with readouts, and what they are measured by.

    Args: as `SpikingModule` has them; **options: those of `PresentingModule`.
    """

    def __init__(
        self,
        readout: Callable[[int, int], Readout],
        out_features: int,
        *,
        loss: Loss | None,
        control_readouts: Mapping[str, Callable[[int, int], Readout]] | None,
        inputs: Mapping[str, int] | None,
        few_labels: int | Sequence[int] | None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        size = self.network.layer(self.read_from).num_nodes
        sizes = dict.fromkeys([NETWORK, *self.controls], size) | dict(inputs or {})
        for name in control_readouts or ():
            if len(sizes) == 1:
                raise ValueError(f"control_readouts needs controls, and there are none, got {name!r}")
            checks.one_of("control_readouts", name, sizes.keys() - {NETWORK})
        make = partial(
            readouts_of, readout, sizes, out_features, own=control_readouts, seed=int(self.network.seed)
        )
        self.readouts = make()
        if loss is not None:
            checks.instance("loss", loss, Loss, such="CrossEntropy()")
        self.objective = loss
        self._check_readouts(control_readouts or {}, few_labels)
        self.few_labels = FewLabels(counts_of(few_labels), lambda count: make(purpose=f"{count}_labels"))
        if self.few_labels.counts and self.trains_network:
            raise ValueError(
                "few_labels must be none where weights below the readout are trained, with all labels "
                f"(trainable: true), got {few_labels}"
            )
        self.measures = ModuleDictOf[StageMeasures]()
        self._stages = [TEST]

    @property
    def readout(self) -> Readout:
        """The network's own readout."""
        return self.readouts[NETWORK]

    @property
    def all_readouts(self) -> list[ModuleDictOf[Readout]]:
        """Those that learn from all samples, then those that learn from few."""
        return [self.readouts, *self.few_labels.readouts.values()]

    def forward(self, input: Any) -> Tensor:
        """Scores ``[B, out_features]`` of what the encoders take."""
        shown = self.present(input, with_controls=False)
        return self.scores(self.readout(shown.features[NETWORK]), shown.lengths)

    def scores(self, output: Tensor, lengths: Tensor | None = None) -> Tensor:
        """What metrics and predictions see of what a readout gives; the loss says it, see `Loss.scores`.

        Args:
            output: Scores ``[B, out_features]``, or outputs over time ``[T, B, out_features]``.
            lengths: Steps of each sample ``[B]`` of outputs over time; None where all last T steps.
        """
        if self.objective is not None:
            return self.objective.scores(output, dt=self.network.dt, lengths=lengths)
        return output if output.ndim == 2 else mean_over_time(output, lengths)

    def metrics(self) -> dict[str, Metric]:
        """What is updated with scores ``[B, out_features]`` and target in validation and test, by name."""
        return {}

    def target(self, batch: Parts) -> Tensor:
        """What is to be learned from a batch, such as its second part; the input to learn to rebuild it."""
        if not isinstance(batch.target, Tensor):
            given = "an input alone" if batch.target is None else f"a target of {type(batch.target).__name__}"
            raise ValueError(f"a batch must be (input, target) or (input, target, sample), got {given}")
        return batch.target

    def features(self, batch: Parts, shown: Presentation) -> dict[str, Tensor]:  # noqa: ARG002
        """What each readout sees ``[B, F]``, or ``[T, B, F]`` where it reads over time, by its name."""
        return shown.features

    def compared(
        self,
        scores: Tensor,
        target: Tensor,
        lengths: Tensor | None,  # noqa: ARG002
    ) -> tuple[Tensor, Tensor]:
        """What metrics are updated with: scores and target, as they are by default."""
        return scores, target

    def setup(self, stage: str) -> None:
        """As in the base class; make the measures."""
        super().setup(stage)
        if not self.measures:
            layers = self.network.needed_for([self.read_from])
            self.measures.update({name: self._measures(name, layers) for name in ("val", TEST)})
            few = {
                key: self._measures(f"{TEST}_{count}_labels") for key, count in self.few_labels.counts.items()
            }
            self.measures.update(few)
        for measures in self.measures.values():
            measures.reset()  # Trainer.validate leaves tensors of inference mode, which fit cannot change
        self.few_labels.known.clear()
        data = self._datamodule()
        if stage == "fit" and isinstance(data, LabelledSource):
            self.few_labels.choose(data, self.device)

    def on_train_start(self) -> None:
        """As in the base class; find the samples with labels where few have."""
        super().on_train_start()
        if not self.few_labels.counts:
            return
        found = [
            p for p in (self._datamodule(), self.trainer.train_dataloader) if isinstance(p, LabelledSource)
        ]
        if not found:
            raise ValueError(
                "few_labels needs a train loader that says which samples have labels (`labelled`), such as "
                f"data.BatchLoader, got {type(self.trainer.train_dataloader).__name__}"
            )
        self.few_labels.choose(found[0], self.device)

    def on_test_epoch_start(self) -> None:
        """As in the base class; make the measures of each further test."""
        super().on_test_epoch_start()
        self._stages = stages_of(self.trainer.test_dataloaders)
        for number, stage in enumerate(self._stages):
            if stage != TEST:
                self.measures[f"{TEST}_{number}"] = self._measures(stage).to(self.device)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Measures of the validation samples."""
        del batch_idx
        self.evaluate(batch, "val")

    def test_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Measures of the test samples; see `stages_of` for their names where there are several loaders."""
        del batch_idx
        self.evaluate(batch, self.test_key(dataloader_idx))

    def test_key(self, dataloader_idx: int) -> str:
        """The key in ``measures`` of a test loader, ``test`` for that of the samples as they are."""
        return TEST if self._stages[dataloader_idx] == TEST else f"{TEST}_{dataloader_idx}"

    def evaluate(self, batch: Any, stage: str) -> tuple[dict[str, Tensor], Tensor]:
        """Measure and log a batch of ``val`` or ``test``; returns scores by network, and the target.

        Readouts that learned from few labels are measured on the test samples as they are.

        Args:
            batch: The batch.
            stage: A key of ``measures``.
        """
        given = parts(batch)
        target, shown = self.target(given), self.presentation(given)
        features = self.features(given, shown)
        outputs = {stage: {name: self.readouts[name](values) for name, values in features.items()}}
        outputs |= self.few_labels.scores(features) if stage == TEST else {}
        scores = {
            key: {name: self.scores(values, shown.lengths) for name, values in given.items()}
            for key, given in outputs.items()
        }
        for key, values in scores.items():
            seen = {name: self.compared(one, target, shown.lengths) for name, one in values.items()}
            self.measures[key].update(seen, shown)
            for name, metric in self.measures[key].named().items():
                self.log(
                    name, metric, prog_bar=name in _WATCHED, batch_size=len(target),
                    add_dataloader_idx=False, metric_attribute=name,  # Lightning looks for those once only
                )  # fmt: skip
        return scores[stage], target

    def _measures(self, stage: str, layers: Sequence[str] = ()) -> StageMeasures:
        return StageMeasures(stage, list(self.readouts), layers, self.metrics, graded=self.network.graded)

    def _datamodule(self) -> Any:
        return getattr(self.trainer, "datamodule", None)

    def _check_readouts(self, own: Mapping[str, Any], few_labels: Any) -> None:
        """See which readouts read over time, and that the loss fits all.

        Raises:
            ValueError: if it does not, or readouts over time are to learn from few labels or kept features.
        """
        for name, readout in self.readouts.items():
            if self.objective is not None:
                self.objective.check(readout, key=f"control_readouts.{name}" if name in own else "readout")
        over_time = {n: one for n, one in self.readouts.items() if isinstance(one, SequenceReadout)}
        self.over_time = list(over_time)
        if not over_time:
            return
        kind = type(next(iter(over_time.values()))).__name__
        if counts_of(few_labels):
            raise ValueError(
                f"few_labels must be none where a readout reads over time, as {kind} does, got {few_labels}"
            )
        for name, readout in over_time.items():
            if name not in (NETWORK, *self.controls):
                raise ValueError(
                    f"control_readouts.{name} must be a readout of features, such as Linear, since the "
                    f"control has no spikes over time, which {kind} reads"
                )
            readout.at(self.network.dt)
        if self.cache_required:
            raise ValueError(f"cache must not be True where a readout reads over time, as {kind} does")
        self.cache = False
