"""Optimizers of a module: what torch's factories make, in groups with learning rates of their own."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable, ReduceLROnPlateau
from torch import nn

from lightning_snn.core import checks
from lightning_snn.core.config import made_by


def configured(
    optimizer: OptimizerCallable,
    scheduler: LRSchedulerCallable | None,
    parameters: Iterable[nn.Parameter],
    parts: Iterable[tuple[str, nn.Module]],
    rates: Mapping[str, float],
    *,
    lr: float | None,
) -> Any:
    """What ``configure_optimizers`` returns.

    Args:
        optimizer: ``parameters -> Optimizer``.
        scheduler: ``optimizer -> scheduler``, stepped every epoch.
        parameters: All that are trained.
        parts: Modules by name; several may be called the same.
        rates: Learning rates by these names.
        lr: Learning rate of all others, in place of the optimizer's own.

    Raises:
        ValueError: if torch refuses an argument, or a rate is for something that has nothing to train.
    """
    groups = _grouped(parameters, parts, rates) if rates else list(parameters)
    made = _made("optimizer", optimizer, groups)
    if lr is not None:
        for group in made.param_groups:
            if group.get("name") not in rates:
                group["lr"] = lr
    if scheduler is None:
        return made
    schedule = _made("scheduler", scheduler, made)
    monitor = {"monitor": schedule.monitor} if isinstance(schedule, ReduceLROnPlateau) else {}
    return {"optimizer": made, "lr_scheduler": {"scheduler": schedule} | monitor}


def default_rate(optimizer: OptimizerCallable) -> float:
    """The learning rate that an optimizer has without being told one.

    Raises:
        AttributeError: if it has none.
    """
    group = optimizer([nn.Parameter(torch.zeros(1))]).param_groups[0]
    if "lr" not in group:
        raise AttributeError(f"the optimizer has no learning rate, only {', '.join(group)}")
    return float(group["lr"])


def _made(name: str, make: Callable[[Any], Any], argument: Any) -> Any:
    """What a factory of torch's makes; its error names the argument of the module."""
    try:
        return make(argument)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ValueError(f"{name}: {error}") from error


def check_monitored(scheduler: LRSchedulerCallable | None) -> None:
    """Raise ``ValueError`` for torch's ``ReduceLROnPlateau``, which does not say what it monitors."""
    kind = made_by(scheduler) or object
    plateau = issubclass(kind, torch.optim.lr_scheduler.ReduceLROnPlateau)
    if plateau and not issubclass(kind, ReduceLROnPlateau):
        raise ValueError(
            "scheduler must say what it monitors: give lightning.pytorch.cli.ReduceLROnPlateau with its "
            "monitor, such as val/accuracy with mode max, got torch's own ReduceLROnPlateau"
        )


def check_rates(rates: Mapping[str, float], names: Iterable[str]) -> None:
    """Raise ``ValueError`` unless each rate is positive and of a part that there is."""
    names = list(dict.fromkeys(names))
    for name, rate in rates.items():
        checks.one_of("learning_rates", name, names)
        checks.positive(f"learning_rates.{name}", rate)


def _grouped(
    parameters: Iterable[nn.Parameter], parts: Iterable[tuple[str, nn.Module]], rates: Mapping[str, float]
) -> list[dict[str, Any]]:
    """The groups of an optimizer: the parameters without a rate of their own, then one for each rate."""
    owner = {parameter: name for name, part in parts for parameter in part.parameters()}
    rest: list[nn.Parameter] = []
    own: dict[str, list[nn.Parameter]] = {name: [] for name in rates}
    for parameter in parameters:
        own.get(owner.get(parameter, ""), rest).append(parameter)
    for name, found in own.items():
        if not found:
            raise ValueError(f"learning_rates.{name} has nothing to train: no parameter of it needs a gradient")
    groups = [{"params": own[name], "lr": rate, "name": name} for name, rate in rates.items()]
    return [{"params": rest, "name": "others"}, *groups] if rest else groups
