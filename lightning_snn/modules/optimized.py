"""What of a module is updated when: its parts, their learning rates, and the phases of its training."""

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable
from lightning_utilities.core.rank_zero import rank_zero_info, rank_zero_warn
from torch import Tensor, nn

from lightning_snn.modules.measured import MeasuredModule
from lightning_snn.modules.optimization import Optimization
from lightning_snn.readout import LocalReadout
from lightning_snn.trainer.queries import is_trial
from lightning_snn.training.plan import Place
from lightning_snn.training.schedule import PhaseSchedule


class OptimizedModule(MeasuredModule):
    """A module whose parts are updated by an optimizer, all at once or in phases.

    Nothing changes what needs a gradient: a phase takes the gradients away from what it does not train.

    Args: as `SpikingModule` has them; **options: those of `MeasuredModule`.
    """

    def __init__(
        self,
        *args: Any,
        optimizer: OptimizerCallable,
        learning_rates: Mapping[str, float] | None,
        scheduler: LRSchedulerCallable | None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        names = (name for name, _ in self.trained_parts())
        self.optimization = Optimization(optimizer, scheduler, learning_rates or {}, names)
        if self.plan is None:
            return
        if scheduler is not None:
            raise ValueError("scheduler must be none beside phases: each phase has a schedule of its own")
        if "readout" in (*self.network.layers, *self.network.projections):
            raise ValueError(
                "phases must not name two parts alike: readout is that of the module, so give the layer or "
                "connection called readout another name"
            )
        parts = dict.fromkeys((name for name, _ in self.trained_parts()), False)
        for name, part in self.trained_parts():
            by_gradients = not isinstance(part, LocalReadout)
            parts[name] |= by_gradients and any(p.requires_grad for p in part.parameters())
        self.plan.check(parts)

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
        for readouts in self.all_readouts:
            yield from (("readout", readout) for readout in readouts.values())

    def configure_optimizers(self) -> Any:
        """The optimizer of the parameters that need a gradient, and the scheduler."""
        return self.optimization.of(
            [p for p in self.parameters() if p.requires_grad],
            self.trained_parts(),
            None if self.plan is None else partial(PhaseSchedule, plan=self.plan),
        )

    def begin_phase(self, place: Place) -> None:
        """As in the base class; what is not trained runs as in evaluation from here on."""
        phase = place.phase
        for name, part in self.trained_parts():
            part.train(phase.trains(name))
        assert self.plan is not None
        trained = "all" if phase.train == "all" else ", ".join(phase.train)
        rank_zero_info(f"phase {place.name} ({place.number} of {len(self.plan)}) trains {trained}")
        super().begin_phase(place)

    def on_train_epoch_start(self) -> None:
        """As in the base class; log the number of the phase, from 1."""
        super().on_train_epoch_start()
        if self.plan is not None:
            self.log("train/phase", float(self.plan.at(self.current_epoch).number))

    def on_after_backward(self) -> None:
        """Take away the gradients of what the phase does not train: no optimizer changes it then."""
        if self.plan is None:
            return
        phase = self.plan.at(self.current_epoch).phase
        for group in self.optimization_groups():
            if not phase.trains(group["name"]):
                for parameter in group["params"]:
                    parameter.grad = None

    def optimization_groups(self) -> Iterable[dict[str, Any]]:
        """The groups of the Trainer's optimizer."""
        return (group for optimizer in self.trainer.optimizers for group in optimizer.param_groups)

    def unreached(self) -> Tensor | None:
        """A loss of 0 with a gradient of 0 for what no gradient reaches in this phase.

        Several processes wait for a gradient of each parameter; a single one needs none.
        """
        if self.trainer.world_size == 1 or self.plan is None or not self.network_is_frozen:
            return None
        return nothing([*self.network.parameters(), *self.controls.parameters()])

    def setup(self, stage: str) -> None:
        """As in the base class; see that the phases are as long as the training, where epochs end it."""
        super().setup(stage)
        epochs = self.trainer.max_epochs
        if stage == "fit" and epochs not in (None, -1) and self.trainer.max_steps == -1:
            self._check_epochs(epochs)

    def on_train_start(self) -> None:
        """As in the base class; the rates are those of the first step, now that Lightning knows the batches.

        (To ask for their number before would begin with the data anew in a run that goes on.)

        Raises:
            ValueError: if the number of batches is not known, or phases do not fit the Trainer's steps.
        """
        super().on_train_start()
        schedule = self.lr_schedulers()
        if not isinstance(schedule, PhaseSchedule):
            return
        batches = self.trainer.num_training_batches
        if math.isinf(batches):
            raise ValueError("phases need a train loader that knows its number of batches")
        per_epoch = math.ceil(batches / self.trainer.accumulate_grad_batches)
        steps = self.trainer.estimated_stepping_batches
        if self.trainer.max_steps != -1 or self.trainer.max_epochs == -1:
            self._check_epochs(steps / per_epoch)
        schedule.begin(per_epoch, steps)

    def _check_epochs(self, epochs: float) -> None:
        warning = None if self.plan is None or is_trial(self.trainer) else self.plan.check_epochs(epochs)
        if warning:
            rank_zero_warn(warning)


def nothing(parameters: Iterable[nn.Parameter]) -> Tensor | None:
    """A loss of 0 whose gradient is 0 for every parameter that needs one."""
    found = [0.0 * p.sum() for p in parameters if p.requires_grad]
    return torch.stack(found).sum() if found else None
