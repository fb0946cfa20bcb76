"""Learning rates of the parts of a module, step by step through the phases of its training."""

import math
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lightning_snn.training.plan import Plan


class PhaseSchedule(LRScheduler):
    """The rates of an optimizer whose groups have the ``name`` of a part each; stepped every step.

    A part that the present phase does not train has the rate 0.

    Args:
        optimizer: The optimizer; the rates that its groups have now are their own, and stay until `begin`.
        plan: The phases.
    """

    def __init__(self, optimizer: Optimizer, plan: Plan) -> None:
        self.plan = plan
        self.steps_per_epoch: int | None = None
        self.steps = math.inf
        super().__init__(optimizer)

    def begin(self, steps_per_epoch: int, steps: float = math.inf) -> None:
        """Set the rates of the next step.

        Args:
            steps_per_epoch: Optimizer steps of an epoch.
            steps: Those of the whole training; ``inf`` where that is not known.
        """
        self.steps_per_epoch, self.steps = steps_per_epoch, steps
        self._last_lr = self.get_lr()
        for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = rate

    def get_lr(self) -> list[float | Tensor]:
        """The rate of each group in the next step."""
        if self.steps_per_epoch is None:
            return list(self.base_lrs)
        place = self.plan.at(self.last_epoch, unit=self.steps_per_epoch, last=self.steps)
        phase = place.phase
        warm = round(phase.warmup * self.steps_per_epoch)
        factor = phase.factor(self.last_epoch - place.first, place.end - place.first, warm=warm)
        return [
            phase.rate(group["name"], float(own)) * factor
            for group, own in zip(self.optimizer.param_groups, self.base_lrs, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """What steps have been counted; the rest comes from the module's arguments."""
        return {"last_epoch": self.last_epoch, "_last_lr": self._last_lr, "_step_count": self._step_count}
