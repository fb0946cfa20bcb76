"""What keeps weights and activity in bounds, beside any learning rule: applied after each merge."""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from lightning_snn import checks
from lightning_snn.config import Configurable
from lightning_snn.plasticity.annealing import annealed

Tensors = dict[str, Tensor]

THRESHOLD_RISE = "threshold_rise"
"""Variable ``[K]`` that a layer adds to the thresholds of its neurons."""


class Homeostasis(Configurable, ABC):
    """Regulates the wiring of K units from their spikes; its variables stand in the wiring."""

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


class WeightNormalisation(Homeostasis):
    """Scales the weights of each unit to a fixed sum; a unit without weights is left alone.

    It comes after the rule's own bounds, so a weight may exceed the rule's ``w_max`` until the next round.

    Args:
        total: Sum of the strengths (absolute weights) of a unit.

    Source: von der Malsburg, Kybernetik 14 (1973); in spiking networks: Diehl and Cook (2015), section 2.4.
    """

    def __init__(self, total: float) -> None:
        checks.positive("total", total)
        self.total = total

    def initial(self, wiring: Tensors) -> Tensors:
        """None."""
        del wiring
        return {}

    def regulate(self, wiring: Tensors, spikes: Tensor, time: float, rows: int = 1) -> Tensors:
        """``w <- w total / sum |w|``."""
        del spikes, time, rows
        sums = wiring["weight"].abs().sum(1, keepdim=True)
        factor = torch.where(sums > 0, self.total / sums.clamp_min(1e-12), 1.0)
        return wiring | {"weight": wiring["weight"] * factor}


class AdaptiveThreshold(Homeostasis):
    """The threshold of a unit rises with each of its spikes and decays.

    Within a round the neurons adapt on their own (`LIF`'s ``adaptation``); this keeps it between rounds.

    Args:
        jump: Rise at a spike, in the unit of the neuron's potential.
        tau: Time constant in ms of its decay.
        share: Of the spikes of all streams, the share that counts: 1 is as if the streams had run one after
            another, 1 / streams as if there were one of them.

    Source: Zhang and Linden, Nat. Rev. Neurosci. 4 (2003); as used here: Diehl and Cook (2015), section 2.2.
    """

    def __init__(self, jump: float, tau: float = 1e7, *, share: float = 1.0) -> None:
        checks.positive("jump", jump)
        checks.positive("tau", tau)
        checks.between("share", share, 0, 1)
        self.jump = jump
        self.tau = tau
        self.share = share

    def initial(self, wiring: Tensors) -> Tensors:
        """A rise of 0."""
        return {THRESHOLD_RISE: wiring["weight"].new_zeros(len(wiring["weight"]))}

    def regulate(self, wiring: Tensors, spikes: Tensor, time: float, rows: int = 1) -> Tensors:
        """``rise <- rise exp(-time / tau) + jump spikes``."""
        del rows
        kept = wiring[THRESHOLD_RISE] * math.exp(-self.share * time / self.tau)
        return wiring | {THRESHOLD_RISE: kept + self.jump * self.share * spikes}


class TargetRate(Homeostasis):
    """Moves the threshold of a unit until it spikes at a given rate (intrinsic plasticity).

    Args:
        rate: Target in Hz.
        learning_rate: Rise of the threshold for each spike more than the target has in that time.
        final_learning_rate: To this it falls geometrically at ``horizon``; by default it stays.
        horizon: Simulated time in ms, summed over all streams (and places that share weights).

    Source: Desai, Rutherford and Turrigiano, Nat. Neurosci. 2 (1999).
    """

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
        return wiring | {THRESHOLD_RISE: wiring[THRESHOLD_RISE] + step * excess, "regulated": passed + time}


class SynapticScaling(Homeostasis):
    """Scales all weights of a unit until its average rate is a given one; their ratios stay.

        tau da/dt = r - a,    dw/dt = gain w (rate - a) / rate

    r is the mean over streams (and places that share weights), and t the time that each of them runs: how
    many there are changes the noise of r and nothing else.

    Args:
        rate: Target in Hz.
        tau: Time constant in ms of the average rate a.
        gain: Relative change of a weight in a second at an average rate of 0.

    Source: Turrigiano et al., Nature 391 (1998); van Rossum, Bi and Turrigiano, J. Neurosci. 20 (2000).
    """

    def __init__(self, rate: float, tau: float = 10_000.0, gain: float = 0.1) -> None:
        checks.positive("rate", rate)
        checks.positive("tau", tau)
        checks.positive("gain", gain)
        self.rate = rate
        self.tau = tau
        self.gain = gain

    def initial(self, wiring: Tensors) -> Tensors:
        """An average rate at the target."""
        return {"average_rate": wiring["weight"].new_full((len(wiring["weight"]),), self.rate)}

    def regulate(self, wiring: Tensors, spikes: Tensor, time: float, rows: int = 1) -> Tensors:
        """One exact step of both equations, for a mean rate that is constant in the round."""
        duration = time / rows
        observed = 1000 * spikes / time
        distance, decay = wiring["average_rate"] - observed, math.exp(-duration / self.tau)
        average = observed + distance * decay
        integral = observed * duration + distance * self.tau * (1 - decay)
        growth = self.gain / 1000 * (duration - integral / self.rate)
        return wiring | {"weight": wiring["weight"] * growth.exp()[:, None], "average_rate": average}


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
