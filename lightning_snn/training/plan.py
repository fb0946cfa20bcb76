"""The phases of a training, one after another."""

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

from lightning_snn.core import checks
from lightning_snn.training.phase import TrainingPhase


class Place(NamedTuple):
    """A place in the training.

    Args:
        name: Name of the phase.
        phase: The phase.
        number: Its number, from 1.
        first: Its first unit, epoch or step.
        end: The first one behind it; ``inf`` where that is not known.
    """

    name: str
    phase: TrainingPhase
    number: int
    first: int
    end: float


class Plan:
    """Phases, one after another; the last one goes on for as long as the Trainer does.

    Args:
        phases: The phases by name, in this order.

    Raises:
        ValueError: if there is none, or one that is not the last has no ``epochs``.

    >>> plan = Plan({"readout": TrainingPhase(1, ["readout"]), "finetune": TrainingPhase()})
    >>> [plan.at(epoch).name for epoch in range(3)]
    ['readout', 'finetune', 'finetune']
    """

    def __init__(self, phases: Mapping[str, TrainingPhase]) -> None:
        if not isinstance(phases, Mapping) or not phases:
            raise ValueError(f"phases must hold at least one phase by name, got {phases!r}")
        for name, phase in phases.items():
            checks.instance(f"phases.{name}", phase, TrainingPhase, such='TrainingPhase(1, ["readout"])')
        for name in list(phases)[:-1]:
            if phases[name].epochs is None:
                raise ValueError(f"phases.{name}.epochs must be given: only the last phase takes the rest")
        self.phases = dict(phases)

    def __len__(self) -> int:
        """Number of phases."""
        return len(self.phases)

    @property
    def epochs(self) -> int | None:
        """Epochs of all phases; None where the last one takes the rest."""
        found = [phase.epochs for phase in self.phases.values()]
        return None if found[-1] is None else sum(epochs or 0 for epochs in found)

    def at(self, position: int, *, unit: int = 1, last: float = float("inf")) -> Place:
        """The phase in an epoch, or in a step.

        Args:
            position: Number of the epoch, or of the step, from 0.
            unit: Steps of an epoch, where it is a step.
            last: Epochs, or steps, of the whole training.
        """
        first, place = 0, None
        for number, (name, phase) in enumerate(self.phases.items(), 1):
            end = last if phase.epochs is None else first + phase.epochs * unit
            place = Place(name, phase, number, first, end)
            if position < end:
                return place
            first = int(end)
        assert place is not None
        return place

    def check(self, parts: Mapping[str, bool]) -> None:
        """See that the phases train what there is to train.

        Args:
            parts: Whether gradients reach anything of a part, by its name.

        Raises:
            ValueError: if a part does not exist, or nothing of it is trained.
        """
        for name, phase in self.phases.items():
            key = f"phases.{name}"
            if phase.train == "all" and not any(parts.values()):
                raise ValueError(f"{key} trains nothing: no part of the module needs a gradient")
            for part in phase.train if phase.train != "all" else ():
                _check_part(f"{key}.train", part, parts)
            for part in phase.lr if isinstance(phase.lr, Mapping) else ():
                _check_part(f"{key}.lr", part, parts)
                if not phase.trains(part):
                    raise ValueError(f"{key}.lr.{part} is for a part that the phase does not train")

    def check_epochs(self, epochs: float) -> str | None:
        """See that the phases are as long as the whole training.

        Args:
            epochs: Epochs of the training; ``inf`` where nothing ends it.

        Returns:
            What to warn of where the training ends first.

        Raises:
            ValueError: if it goes on after the last phase, or a schedule needs an end and there is none.
        """
        last, phase = list(self.phases.items())[-1]
        planned = self.epochs
        if planned is not None and planned < epochs:
            raise ValueError(
                f"the phases take {planned} epochs, and the training goes on after them "
                f"({'without end' if math.isinf(epochs) else f'{epochs:g} epochs'}; trainer.max_epochs): "
                f"leave out phases.{last}.epochs, and {last} takes the rest"
            )
        if math.isinf(epochs) and phase.schedule != "constant":
            raise ValueError(
                f"phases.{last}.schedule must be constant where nothing ends the training, got "
                f"{phase.schedule}: give trainer.max_epochs"
            )
        needed = sum(one.epochs or 0 for one in self.phases.values())
        if needed > epochs or (planned is None and needed == epochs):
            return (
                f"the training ends after {epochs:g} epochs (trainer.max_epochs), before {last} "
                f"{'ends' if self.at(max(0, math.ceil(epochs) - 1)).name == last else 'begins'}"
            )
        return None

    def trains_any(self, parts: Collection[str]) -> bool:
        """Whether some phase updates one of these parts."""
        return any(phase.trains(part) for phase in self.phases.values() for part in parts)


def _check_part(key: str, part: str, parts: Mapping[str, bool]) -> None:
    checks.one_of(key, part, parts)
    if not parts[part]:
        needs = (
            "a readout that gradients train"
            if part == "readout"
            else "trainable: true of its projection, or learn of its neurons"
        )
        raise ValueError(f"{key}: nothing of {part} is trained, which needs {needs}")
