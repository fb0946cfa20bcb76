"""What a Trainer knows without declaring it to type checkers, and what it should know of the wiring."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import BatchSizeFinder, LearningRateFinder
from lightning.pytorch.trainer.states import TrainerFn
from lightning_utilities.core.rank_zero import rank_zero_warn
from torch import Tensor

SomeCallback = TypeVar("SomeCallback", bound=Callback)


def is_trial(trainer: Trainer) -> bool:
    """Whether this is a ``fast_dev_run``: a few steps to see that all works, nothing kept."""
    return bool(vars(trainer)["fast_dev_run"])


PRECISIONS = ("32-true", "64-true", "16-mixed", "bf16-mixed")


def check_precision(trainer: Trainer) -> None:
    """Raise ``ValueError`` if potentials, traces and plastic weights would be kept in half precision."""
    if trainer.precision not in PRECISIONS:
        raise ValueError(
            f"trainer.precision must be one of {', '.join(PRECISIONS)}, got {trainer.precision}: small steps "
            "of potentials and plastic weights would be rounded away"
        )


def is_fitting(trainer: Trainer | None) -> bool:
    """Whether there is a Trainer, and it was asked to fit."""
    return trainer is not None and trainer.state.fn == TrainerFn.FITTING


def find_callback(trainer: Trainer, kind: type[SomeCallback]) -> SomeCallback | None:
    """The Trainer's first callback of a kind."""
    return next((c for c in vars(trainer)["callbacks"] if isinstance(c, kind)), None)


def finders(trainer: Trainer) -> list[str]:
    """Names of the Trainer's callbacks that look for a learning rate or a batch size."""
    kinds = LearningRateFinder | BatchSizeFinder
    return [type(c).__name__ for c in vars(trainer)["callbacks"] if isinstance(c, kinds)]


def require_wired(unwired: Sequence[str], finders: Sequence[str]) -> None:
    """Raise ``MisconfigurationException`` if layers that are not wired are about to be trained on.

    ``finders`` are the names of the finders that run first; they do so without any other callback.
    """
    if unwired and finders:
        raise MisconfigurationException(
            f"layers {', '.join(unwired)} are not wired yet, and {finders[0]} runs before the "
            "self-organisation: train with limit_train_batches=1 first, and start it from that checkpoint"
        )
    if unwired:
        raise MisconfigurationException(
            f"layers {', '.join(unwired)} have a learning rule but are not wired yet: add the "
            "SelfOrganization callback to the Trainer"
        )


def warn_if_unwired(trainer: Trainer, unwired: Sequence[str]) -> None:
    """Warn of results of a network with layers that are not wired, except in a trial."""
    if unwired and not is_trial(trainer):
        rank_zero_warn(
            f"layers {', '.join(unwired)} are not wired, and these are results of such a network. "
            "Give --ckpt_path (ckpt_path=...) for a wired one."
        )


def generator_states(trainer: Trainer) -> dict[str, Tensor]:
    """States of torch's generators on the CPU and the Trainer's device, one row a process.

    All processes must call this.
    """
    device, processes = trainer.strategy.root_device, trainer.world_size
    states = {name: torch_of.get_rng_state() for name, torch_of in _generators(device).items()}
    if processes == 1:
        return {name: state[None] for name, state in states.items()}
    gathered = {name: trainer.strategy.all_gather(state.to(device)) for name, state in states.items()}
    return {name: rows.reshape(processes, -1).cpu() for name, rows in gathered.items()}


def restore_generators(trainer: Trainer, states: Mapping[str, Tensor]) -> None:
    """Let torch's generators go on from `generator_states`; on another number of processes they stay."""
    for name, torch_of in _generators(trainer.strategy.root_device).items():
        rows = states.get(name)
        if rows is not None and len(rows) == trainer.world_size:
            torch_of.set_rng_state(rows[trainer.global_rank].clone())


def _generators(device: torch.device) -> dict[str, Any]:
    """Where torch keeps the generators of the CPU and of a device."""
    return {"cpu": torch} | ({} if device.type == "cpu" else {device.type: torch.get_device_module(device)})
