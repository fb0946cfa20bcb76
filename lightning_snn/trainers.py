"""What a Trainer knows without declaring it to type checkers."""

from typing import TypeVar

from lightning.pytorch import Callback, Trainer

SomeCallback = TypeVar("SomeCallback", bound=Callback)


def is_trial(trainer: Trainer) -> bool:
    """Whether this is a ``fast_dev_run``: a few steps to see that all works, nothing kept."""
    return bool(vars(trainer)["fast_dev_run"])


def find_callback(trainer: Trainer, kind: type[SomeCallback]) -> SomeCallback | None:
    """The Trainer's first callback of a kind."""
    return next((c for c in vars(trainer)["callbacks"] if isinstance(c, kind)), None)
