"""Weights that keep their sum."""

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.tensors import Tensors
from lightning_snn.plasticity.homeostasis.homeostasis import Homeostasis


class WeightNormalisation(Homeostasis):
    """Scales the weights of each unit to a fixed sum; a unit without weights is left alone.

    It comes after the rule's own bounds, so a weight may exceed the rule's ``w_max`` until the next round.

    Args:
        total: Sum of the strengths (absolute weights) of a unit.

    Source: von der Malsburg, Kybernetik 14 (1973); in spiking networks: Diehl and Cook (2015), section 2.4.
    """

    takes_groups = True

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
        sums = wiring["weight"].abs().sum(-1, keepdim=True)
        factor = torch.where(sums > 0, self.total / sums.clamp_min(1e-12), 1.0)
        return wiring | {"weight": wiring["weight"] * factor}
