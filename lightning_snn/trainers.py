"""What a Trainer knows without declaring it to type checkers, and what it should know of the wiring."""

from collections.abc import Sequence
from typing import TypeVar

from lightning.pytorch import Callback, Trainer
from lightning_utilities.core.rank_zero import rank_zero_warn

SomeCallback = TypeVar("SomeCallback", bound=Callback)


def is_trial(trainer: Trainer) -> bool:
    """Whether this is a ``fast_dev_run``: a few steps to see that all works, nothing kept."""
    return bool(vars(trainer)["fast_dev_run"])


def find_callback(trainer: Trainer, kind: type[SomeCallback]) -> SomeCallback | None:
    """The Trainer's first callback of a kind."""
    return next((c for c in vars(trainer)["callbacks"] if isinstance(c, kind)), None)


def require_wired(unwired: Sequence[str]) -> None:
    """Raise ``RuntimeError`` if a network with layers that are not wired is about to be trained."""
    if unwired:
        raise RuntimeError(
            f"layers {', '.join(unwired)} have a learning rule but are not wired yet: add the "
            "SelfOrganization callback to the Trainer. (The learning-rate finder runs without callbacks: "
            "train with limit_train_batches=1 first and start it from that checkpoint.)"
        )


def warn_if_unwired(trainer: Trainer, unwired: Sequence[str]) -> None:
    """Warn of results of a network with layers that are not wired, except in a trial."""
    if unwired and not is_trial(trainer):
        rank_zero_warn(
            f"layers {', '.join(unwired)} are not wired, and these are results of such a network. "
            "Give --ckpt_path (ckpt_path=...) for a wired one."
        )
