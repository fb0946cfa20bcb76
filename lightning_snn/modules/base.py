"""What every LightningModule with a spiking network does, whatever it learns."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.batches import Parts, parts
from lightning_snn.core.random import RootSeed
from lightning_snn.development.controls import Control, ControlKind
from lightning_snn.encoders import Encoder
from lightning_snn.losses import Loss, Regulariser, check_regularisers
from lightning_snn.modules.kinds import learners, trained
from lightning_snn.modules.optimized import OptimizedModule
from lightning_snn.network import Connection, SpikingLayer
from lightning_snn.presentation.present import NETWORK, Presentation
from lightning_snn.readout import Readout, check_gradients
from lightning_snn.training import Initialisation, TrainingPhase
from lightning_snn.training.online.learning import Learner, Learning, Reading


class SpikingModule(OptimizedModule):
    """A network of spiking neurons as a LightningModule: encoders, readouts, optimizer, measures.

    A subclass says what is learned: the loss, `metrics`, `target`. Batches are ``(input, target)``, or with
    the samples' numbers ``[B]`` as third item, as those of `data.BatchLoader`, which lets features be kept.

    Args:
        layers: The layers of the network by name, as they run.
        encoder: What a batch becomes at the input layers: one encoder, or one for each by name.
        readout: ``(in_features, out_features) -> Readout``.
        out_features: Size of what the readout gives.
        loss: What is minimised; None: what the method `loss` of a subclass says.
        regularisers: What is added to the loss, by name: costs of activity or weights; each is logged as
            ``train/cost_<name>``.
        learning: What takes the place of backpropagation through time: `EProp`, `OTTT` or
            `FeedbackAlignment`.
        connections: Connections by name beside those that layers name themselves; see `SpikingNetwork`.
        dt: Step in ms; see `SpikingNetwork`.
        min_delay: Least delay of a connection in ms; see `SpikingNetwork`.
        read_from: Name of the layer that the readout sees; the last by default.
        tau_trace: Time constant in ms of the spike traces that the readout sees; None counts spikes.
        controls: Networks trained beside this one on the same input, by name.
        control_readouts: Readouts of controls that have another than the network, by the control's name.
        inputs: Sizes of features beside those of the network and its controls, by name; see `features`.
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
        truncate_steps: Steps of a long presentation after each of which gradients end; see `run_in_pieces`.
        checkpoint_steps: Steps of a presentation that are computed again for their gradients, a piece at a
            time, so that training needs the memory of one piece.
        initialisation: The weights that gradients start from: `FluctuationDriven`, `Kaiming`, `LSUV`, or one
            of your own. None: ``U(-b, b)`` of variance 1 over the fan-in.
        seed: What is random in the network, its controls, readouts and stimuli is drawn from it, each under
            its own name, unless it has a seed of its own; by default the run's, or one by torch's generator.
            It stands in the checkpoint. ``plain``: see `SpikingNetwork`.

    Raises:
        ValueError: if an argument is out of range or cannot be stored, or the parts do not fit together.
    """

    def __init__(
        self,
        layers: dict[str, SpikingLayer],
        encoder: Encoder | dict[str, Encoder],
        readout: Callable[[int, int], Readout],
        out_features: int,
        *,
        loss: Loss | None = None,
        regularisers: dict[str, Regulariser] | None = None,
        learning: Learning | None = None,
        connections: dict[str, Connection] | None = None,
        dt: float | None = None,
        min_delay: float = 0.0,
        read_from: str | None = None,
        tau_trace: float | None = None,
        controls: list[ControlKind] | dict[str, Control] | None = None,
        control_readouts: dict[str, Callable[[int, int], Readout]] | None = None,
        inputs: dict[str, int] | None = None,
        few_labels: int | list[int] | None = None,
        cache: bool | None = None,
        optimizer: OptimizerCallable = torch.optim.Adam,
        learning_rates: dict[str, float] | None = None,
        scheduler: LRSchedulerCallable | None = None,
        phases: dict[str, TrainingPhase] | None = None,
        truncate_steps: int | None = None,
        checkpoint_steps: int | None = None,
        initialisation: Initialisation | None = None,
        seed: RootSeed = None,
    ) -> None:
        super().__init__(
            readout, out_features, loss=loss, control_readouts=control_readouts, inputs=inputs,
            few_labels=few_labels, layers=layers, encoder=encoder, connections=connections, dt=dt,
            min_delay=min_delay, read_from=read_from, tau_trace=tau_trace, controls=controls, cache=cache,
            optimizer=optimizer, learning_rates=learning_rates, scheduler=scheduler, phases=phases,
            truncate_steps=truncate_steps, checkpoint_steps=checkpoint_steps, initialisation=initialisation,
            seed=seed,
        )  # fmt: skip
        for name in (NETWORK, *self.controls):
            own = name in (control_readouts or {})
            check_gradients(
                self.readouts[name], self.network, key=f"control_readouts.{name}" if own else "readout"
            )
        checks.instance("regularisers", regularisers or {}, Mapping, such="{'rates': RateBounds(upper=50.0)}")
        self.regularisers = dict(regularisers or {})
        check_regularisers(self.regularisers, self.network, self.network.needed_for([self.read_from]))
        self.automatic_optimization = bool(trained(self.readouts))
        for readouts in self.all_readouts if self.automatic_optimization else ():
            for readout in learners(readouts, 0).values():
                readout.requires_grad_(False)  # several processes wait for a gradient of each that needs one
        self.learner = None if learning is None else self._learner(learning)

    def loss(self, output: Tensor, target: Tensor, **lengths: Tensor) -> Tensor:
        """What is minimised, of what a readout gives: that of the argument ``loss``, or a subclass says it.

        Args:
            output: Scores ``[B, out_features]``, or outputs over time ``[T, B, out_features]``.
            target: What `target` gives.
            **lengths: As ``lengths`` the steps of each sample ``[B]``, where outputs over time have several.
        """
        if self.objective is None:
            raise NotImplementedError(
                f"{type(self).__name__} must be given a loss, or define loss(scores, target)"
            )
        return self.objective(output, target, dt=self.network.dt, **lengths)

    def regularisation(self, shown: Presentation) -> Tensor | None:  # noqa: ARG002
        """What is added to the loss, such as a cost of spikes; nothing by default.

        ``shown.spikes`` are those ``[T, B, N]`` of each layer, but none where features are kept or the run
        is in pieces; ``shown.rates`` are there in pieces too.
        """
        return None

    def training_step(self, batch: Any, batch_idx: int) -> Tensor | None:
        """The summed loss of the network and its controls; they share no trained parameter.

        Readouts that learn without gradients do so here; where all of them do, there is no loss.
        """
        del batch_idx
        given = parts(batch)
        if self.learner is not None:
            return self._learn_by(self.learner, given)
        target, shown = self.target(given), self.presentation(given)
        features = self.features(given, shown)
        self._learn_locally(features, target, given.sample)
        if not self.automatic_optimization:
            optimizer = self.optimizers()
            assert isinstance(optimizer, LightningOptimizer)
            optimizer._on_before_step()  # Lightning counts a step; there are no gradients to apply, which the
            optimizer._on_after_step()  # loss scaling of 16-mixed would not allow in a whole one
            return None
        scores = {name: readout(features[name]) for name, readout in trained(self.readouts).items()}
        losses = {name: self._loss(values, target, shown.lengths) for name, values in scores.items()}
        few = self.few_labels.losses(
            features, target, given.sample, self.loss, self._combine, self.trainer.world_size
        )
        total = torch.stack([*losses.values(), *few]).sum()
        self.log("train/loss", losses.get(NETWORK, total), prog_bar=True, batch_size=len(target))
        return self._with_costs(total, [self.regularisation(shown), self.unreached()], shown, len(target))

    def _with_costs(
        self, total: Tensor, extras: list[Tensor | None], shown: Presentation, samples: int
    ) -> Tensor:
        """The loss with what is added to it, and the cost of each regulariser, which is logged.

        There is no such cost while a phase changes nothing of the network.
        """
        costs = {} if self.network_is_frozen else self.regularisers
        found = {name: one(shown, self.network) for name, one in costs.items()}
        logged: dict[str, Tensor] = {}
        for name, cost in found.items():
            logged |= {f"cost_{name}": cost.detach(), **costs[name].measured(cost.detach())}
        self.log_dict({f"train/{name}": value for name, value in logged.items()}, batch_size=samples)
        return torch.stack([total, *(x for x in extras if x is not None), *found.values()]).sum()

    def predict_step(self, batch: Any, batch_idx: int) -> Any:
        """Scores of a batch."""
        del batch_idx
        return self(parts(batch).input)

    def _learner(self, learning: Learning) -> Learner:
        """A rule for the network and its readout.

        Raises:
            ValueError: if it cannot train these, or there are controls, which it does not train.
        """
        checks.instance("learning", learning, Learning, such="EProp()")
        beside = {
            "controls": [name for name in self.readouts if name != NETWORK],
            "few_labels": list(self.few_labels.counts),
        }
        beside |= {key: [str(steps)] for key, steps in self.pieces.given.items()}
        for key, given in beside.items():
            if given:
                raise ValueError(
                    f"learning: {type(learning).__name__} trains one network and one readout, step by step: "
                    f"leave out {key}, got {', '.join(given)}"
                )
        return learning.of(self._reading)

    @property
    def _reading(self) -> Reading:
        return Reading(self.network, self.encoders, self.readout, self.read_from, self.tau_trace)

    def _learn_by(self, learner: Learner, given: Parts) -> Tensor:
        """The loss of a batch, whose gradients are those of a rule."""
        target = self.target(given)
        shown, output = learner(given.input, self._reading)
        total = self._loss(output, target, shown.lengths)
        self.log("train/loss", total, prog_bar=True, batch_size=len(target))
        return self._with_costs(total, [self.regularisation(shown)], shown, len(target))

    def _loss(self, output: Tensor, target: Tensor, lengths: Tensor | None) -> Tensor:
        """The loss; it is told lengths only where there are any to know of."""
        return self.loss(
            output, target, **({} if output.ndim == 2 or lengths is None else {"lengths": lengths})
        )

    def _combine(self, values: Tensor) -> Tensor:
        """The sum over all processes."""
        total: Tensor = self.trainer.strategy.reduce(values, reduce_op="sum")
        return total

    def _learn_locally(self, features: Mapping[str, Tensor], target: Tensor, sample: Tensor | None) -> None:
        """Let the readouts that need no gradients learn."""
        for name, readout in learners(self.readouts, self.current_epoch).items():
            readout.learn(features[name], target, combine=self._combine)
        self.few_labels.learn(features, target, sample, self._combine, epoch=self.current_epoch)
        if self.trainer.is_last_batch:
            for readouts in self.all_readouts:
                for readout in learners(readouts, self.current_epoch).values():
                    readout.end_epoch()
