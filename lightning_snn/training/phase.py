"""One phase of training: which parts are updated, for how long, and at which rates."""

import math
from collections.abc import Mapping
from typing import Literal, get_args

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable

Schedule = Literal["constant", "linear", "cosine"]


class TrainingPhase(Configurable):
    """Some epochs in which some parts of a module are updated, at rates of their own.

    Parts are layers (what their neurons learn), connections and ``readout``, by name. A part that a phase
    does not train keeps its parameters and statistics, and runs as in evaluation. Parameters of no part, such
    as those that a module of one's own has beside them, are updated in phases that train ``all``.

    Args:
        epochs: Its epochs; None in the last phase: the rest of the Trainer's.
        train: Names of the parts that are updated; ``all``: all that gradients reach.
        lr: Learning rate, one for all parts or by part; what has none takes the module's own.
        schedule: What becomes of the rates in the course of the phase: ``constant``, or falling to 0 by its
            end, ``linear`` or as half a period of a ``cosine``.
        warmup: Epochs, or a part of one, over which the rates rise from 0 at first.

    Raises:
        ValueError: if a number is out of range, the schedule unknown, or nothing is to be trained.

    Source: cosine: Loshchilov and Hutter, SGDR, ICLR (2017), eq. 5.

    >>> TrainingPhase(2, "all", lr=0.1, schedule="linear").factor(5, 10, warm=0)
    0.5
    """

    def __init__(
        self,
        epochs: int | None = None,
        train: list[str] | Literal["all"] = "all",
        *,
        lr: float | dict[str, float] | None = None,
        schedule: Schedule = "constant",
        warmup: float = 0.0,
    ) -> None:
        if epochs is not None:
            checks.count("epochs", epochs)
        if isinstance(train, str) and train != "all":
            raise ValueError(
                f"train must be a list of layers, connections and readout, or all, got {train!r}"
            )
        if not train:
            raise ValueError("train must name what the phase trains, or be all, got an empty list")
        for key, rate in named_rates(lr).items():
            checks.positive(key, rate)
        checks.one_of("schedule", schedule, get_args(Schedule))
        checks.non_negative("warmup", warmup)
        if epochs is not None and warmup > epochs:
            raise ValueError(f"warmup must be at most the {epochs} epochs of the phase, got {warmup}")
        self.epochs = epochs
        self.train = train
        self.lr = lr
        self.schedule: Schedule = schedule
        self.warmup = warmup

    def trains(self, part: str) -> bool:
        """Whether a part is updated."""
        return self.train == "all" or part in self.train

    def rate(self, part: str, own: float) -> float:
        """Learning rate of a part at its highest; ``own`` where the phase gives it none, 0 if not trained."""
        if not self.trains(part):
            return 0.0
        if isinstance(self.lr, Mapping):
            return self.lr.get(part, own)
        return own if self.lr is None else self.lr

    def factor(self, step: int, steps: float, *, warm: int) -> float:
        """What the rates are multiplied by in a step.

        Args:
            step: Number of the step in the phase, from 0.
            steps: Steps of the phase.
            warm: Steps of the warm-up.
        """
        if step < warm:
            return (step + 1) / warm
        if self.schedule == "constant":
            return 1.0
        done = min(1.0, (step - warm) / max(1.0, steps - warm))
        return 1 - done if self.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2


def named_rates(lr: float | Mapping[str, float] | None) -> dict[str, float]:
    """Learning rates by the key that they stand under."""
    if isinstance(lr, Mapping):
        return {f"lr.{part}": rate for part, rate in lr.items()}
    return {} if lr is None else {"lr": lr}
