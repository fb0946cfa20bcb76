"""What of a module is updated when: its parts, their learning rates, and the phases of its training."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable
from lightning_utilities.core.rank_zero import rank_zero_info, rank_zero_warn
from torch import Tensor, nn
from torch.optim import Optimizer

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
        """The optimizer of the parameters that need a gradient, and the scheduler.

        Raises:
            ValueError: if phases do not fit the Trainer's epochs, or torch refuses an argument.
        """
        return self.optimization.of(
            [p for p in self.parameters() if p.requires_grad],
            self.trained_parts(),
            None if self.plan is None else self._schedule,
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

    def _schedule(self, optimizer: Optimizer) -> PhaseSchedule:
        """The schedule of the phases, for the Trainer's epochs."""
        assert self.plan is not None
        self.trainer.fit_loop.setup_data()  # without it Lightning knows no number of batches here
        batches = self.trainer.num_training_batches
        if math.isinf(batches):
            raise ValueError("phases need a train loader that knows its number of batches")
        per_epoch = max(1, math.ceil(batches / self.trainer.accumulate_grad_batches))
        steps = self.trainer.estimated_stepping_batches
        warning = None if is_trial(self.trainer) else self.plan.check_epochs(steps / per_epoch)
        if warning:
            rank_zero_warn(warning)
        return PhaseSchedule(optimizer, self.plan, steps_per_epoch=per_epoch, steps=steps)


def nothing(parameters: Iterable[nn.Parameter]) -> Tensor | None:
    """A loss of 0 whose gradient is 0 for every parameter that needs one."""
    found = [0.0 * p.sum() for p in parameters if p.requires_grad]
    return torch.stack(found).sum() if found else None
