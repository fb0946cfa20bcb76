"""How a module is optimised: what torch's factories make, with learning rates for parts of it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable, ReduceLROnPlateau
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lightning_snn.core import checks
from lightning_snn.core.config import made_by

OTHERS = "the others"
"""The group of what belongs to no part with a group of its own; no layer can be called so."""


class Optimization:
    """An optimizer, its schedule, and learning rates of parts.

    Args:
        optimizer: ``parameters -> Optimizer``.
        scheduler: ``optimizer -> scheduler``, stepped every epoch.
        rates: Learning rates by the name of a part; the other parameters have the optimizer's own.
        names: Those of all parts.

    Raises:
        ValueError: if there is no optimizer, a rate is not positive or of an unknown part, or the scheduler
            does not say what it monitors.
    """

    def __init__(
        self,
        optimizer: OptimizerCallable,
        scheduler: LRSchedulerCallable | None,
        rates: Mapping[str, float],
        names: Iterable[str],
    ) -> None:
        if not callable(optimizer):
            raise ValueError(
                f"optimizer must make one of parameters, as torch.optim.Adam does, got {optimizer}"
            )
        _check_monitored(scheduler)
        known = list(dict.fromkeys(names))
        if not isinstance(rates, Mapping):
            raise ValueError(f"learning_rates must name layers, connections or readout, got {rates!r}")
        for name, rate in rates.items():
            checks.one_of("learning_rates", name, known)
            checks.positive(f"learning_rates.{name}", rate)
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.rates = dict(rates)
        self._lr: float | None = None

    @property
    def lr(self) -> float:
        """Learning rate of what has none of its own; one that is set takes the place of the optimizer's.

        Raises:
            AttributeError: if the optimizer has none.
        """
        if self._lr is not None:
            return self._lr
        group = self.optimizer([nn.Parameter(torch.zeros(1))]).param_groups[0]
        if "lr" not in group:
            raise AttributeError(f"the optimizer has no learning rate, only {', '.join(group)}")
        return float(group["lr"])

    @lr.setter
    def lr(self, value: float) -> None:
        checks.positive("lr", value)
        self._lr = value

    def of(
        self,
        parameters: Iterable[nn.Parameter],
        parts: Iterable[tuple[str, nn.Module]],
        phases: Callable[[Optimizer], LRScheduler] | None = None,
    ) -> Any:
        """What ``configure_optimizers`` returns.

        Args:
            parameters: All that are trained.
            parts: Modules by name; several may be called the same.
            phases: Makes the schedule of phases, stepped every step; each part then has a group of its own.

        Raises:
            ValueError: if torch refuses an argument, or a rate is for a part that has nothing to train.
        """
        named = list(parts)
        names = self.rates if phases is None else dict.fromkeys(name for name, _ in named)
        groups = _grouped(parameters, named, names, self.rates) if names else list(parameters)
        optimizer = _made("optimizer", self.optimizer, groups)
        if self._lr is not None:
            for group in optimizer.param_groups:
                if group.get("name") not in self.rates:
                    group["lr"] = self._lr
        if phases is not None:
            return {
                "optimizer": optimizer,
                "lr_scheduler": {"scheduler": phases(optimizer), "interval": "step"},
            }
        if self.scheduler is None:
            return optimizer
        scheduler = _made("scheduler", self.scheduler, optimizer)
        monitor = {"monitor": scheduler.monitor} if isinstance(scheduler, ReduceLROnPlateau) else {}
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler} | monitor}


def _grouped(
    parameters: Iterable[nn.Parameter],
    parts: Iterable[tuple[str, nn.Module]],
    names: Iterable[str],
    rates: Mapping[str, float],
) -> list[dict[str, Any]]:
    """The groups of an optimizer: one for each of the ``names`` that has parameters, the others before."""
    owner = {parameter: name for name, part in parts for parameter in part.parameters()}
    others: list[nn.Parameter] = []
    own: dict[str, list[nn.Parameter]] = {name: [] for name in names}
    for parameter in parameters:
        own.get(owner.get(parameter, ""), others).append(parameter)
    for name in rates:
        if not own[name]:
            raise ValueError(f"learning_rates.{name} has nothing to train: nothing of it needs a gradient")
    found = {OTHERS: others} | own
    return [
        {"params": group, "name": name} | ({"lr": rates[name]} if name in rates else {})
        for name, group in found.items()
        if group
    ]


def _made(name: str, make: Callable[[Any], Any], argument: Any) -> Any:
    """What a factory of torch's makes; its error names the argument of the module."""
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
