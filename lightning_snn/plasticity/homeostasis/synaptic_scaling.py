"""Weights that keep a rate."""

import math

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.plasticity.homeostasis.homeostasis import Homeostasis


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

    takes_groups = True

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
        return wiring | {"weight": wiring["weight"] * growth.exp()[..., None], "average_rate": average}
