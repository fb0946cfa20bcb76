"""Thresholds that rise with each spike."""

import math

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.plasticity.homeostasis.homeostasis import THRESHOLD_RISE, Homeostasis


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

    takes_groups = True

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
