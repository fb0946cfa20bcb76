"""Thresholds that keep a rate."""

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.plasticity.annealing import annealed
from lightning_snn.plasticity.homeostasis.homeostasis import THRESHOLD_RISE, Homeostasis


class TargetRate(Homeostasis):
    """Moves the threshold of a unit until it spikes at a given rate (intrinsic plasticity).

    Args:
        rate: Target in Hz.
        learning_rate: Rise of the threshold for each spike more than the target has in that time.
        final_learning_rate: To this it falls geometrically at ``horizon``; by default it stays.
        horizon: Simulated time in ms, summed over all streams (and places that share weights).

    Source: Desai, Rutherford and Turrigiano, Nat. Neurosci. 2 (1999).
    """

    takes_groups = True

    def __init__(
        self,
        rate: float,
        learning_rate: float = 0.01,
        *,
        final_learning_rate: float | None = None,
        horizon: float = 1e6,
    ) -> None:
        final = learning_rate if final_learning_rate is None else final_learning_rate
        checks.positive("rate", rate)
        checks.positive("learning_rate", learning_rate)
        checks.positive("final_learning_rate", final)
        checks.positive("horizon", horizon)
        self.rate = rate
        self.learning_rate, self.final_learning_rate, self.horizon = learning_rate, final, horizon

    def initial(self, wiring: Tensors) -> Tensors:
        """A rise of 0; no time has passed."""
        rise = wiring["weight"].new_zeros(len(wiring["weight"]))
        return {THRESHOLD_RISE: rise, "regulated": torch.zeros((), dtype=torch.float64)}

    def regulate(self, wiring: Tensors, spikes: Tensor, time: float, rows: int = 1) -> Tensors:
        """``rise <- rise + learning_rate (spikes - rate time)``."""
        del rows
        passed = wiring["regulated"]
        step = annealed(self.learning_rate, self.final_learning_rate, passed, self.horizon)
        excess = spikes - self.rate * time / 1000
        rise = wiring[THRESHOLD_RISE]
        return wiring | {
            THRESHOLD_RISE: rise + step.to(rise)[..., None] * excess,
            "regulated": passed + time,
        }
