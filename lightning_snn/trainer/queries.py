"""What a Trainer knows without declaring it to type checkers, and what it should know of the wiring."""

from collections.abc import Sequence
from typing import Any, TypeVar

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import BatchSizeFinder, LearningRateFinder
from lightning.pytorch.trainer.states import TrainerFn
from lightning_utilities.core.rank_zero import rank_zero_warn

SomeCallback = TypeVar("SomeCallback", bound=Callback)

PRECISIONS = ("32-true", "64-true", "16-mixed", "bf16-mixed")


def checkpoint_dir(trainer: Trainer) -> str | None:
    """The folder of the Trainer's own checkpoints; None where it makes none."""
    directory = getattr(trainer.checkpoint_callback, "dirpath", None)
    return None if directory is None else str(directory)


def check_same_seed(trainer: Trainer, seed: int) -> None:
    """Raise ``ValueError`` on all processes unless they have drawn the same seed and order of the data."""
    data: Any = getattr(trainer, "datamodule", None)
    ours = (seed, getattr(data, "seed", None))
    if not trainer.strategy.reduce_boolean_decision(trainer.strategy.broadcast(ours) == ours):
        raise ValueError(
            "the processes have drawn different seeds for the network or the data: call seed_everything "
            "before they are built, or give both a seed"
        )


def warn_if_skipped(trainer: Trainer) -> None:
    """Warn of limits with which Lightning returns before the phase."""
    if 0 in (trainer.max_epochs, trainer.max_steps, trainer.limit_train_batches):
        rank_zero_warn(
            "the self-organisation does not run: with max_epochs, max_steps or limit_train_batches at 0 "
            "Lightning skips training altogether. To self-organise only, use limit_train_batches=1."
        )


def is_trial(trainer: Trainer) -> bool:
    """Whether this is a ``fast_dev_run``: a few steps to see that all works, nothing kept."""
    return bool(vars(trainer)["fast_dev_run"])


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
