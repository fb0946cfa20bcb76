"""What keeps weights and activity in bounds, beside any learning rule: applied after each merge."""

from abc import ABC, abstractmethod

from torch import Tensor

from lightning_snn.core.config import Configurable
from lightning_snn.core.tensors import Tensors

THRESHOLD_RISE = "threshold_rise"
"""Variable ``[K]`` that a layer adds to the thresholds of its neurons."""


class Homeostasis(Configurable, ABC):
    """Regulates the wiring of K units from their spikes; its variables stand in the wiring."""

    takes_groups: bool = False
    """Whether `regulate` takes G groups of units at once, with ``[G, ...]`` for everything; else it is called
    for each group of units that have weights of their own.
    """

    @abstractmethod
    def initial(self, wiring: Tensors) -> Tensors:
        """Its own variables for a wiring with ``weight [K, F]``."""

    @abstractmethod
    def regulate(self, wiring: Tensors, spikes: Tensor, time: float, rows: int = 1) -> Tensors:
        """The wiring after a round.

        Args:
            wiring: Weights ``[K, F]`` and variables; not modified.
            spikes: Spikes of each unit ``[K]``, summed over all streams and places.
            time: Simulated time in ms, summed likewise.
            rows: How many streams and places these are sums over: each ran for ``time / rows``.
        """


def add_variables(wiring: Tensors, regulators: list[Homeostasis]) -> Tensors:
    """The wiring with the variables of its regulators.

    Raises:
        ValueError: if two of them, or one and the rule, have a variable of the same name.
    """
    for regulator in regulators:
        own = regulator.initial(wiring)
        taken = sorted(own.keys() & wiring.keys())
        if taken:
            raise ValueError(
                f"homeostasis: {type(regulator).__name__} cannot be used beside another that keeps {taken[0]}"
            )
        wiring = wiring | own
    return wiring
