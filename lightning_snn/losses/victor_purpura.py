"""Distance of spike trains to target trains: the cost of turning one into the other."""

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.losses.train_distance import TrainDistance
from lightning_snn.metrics import victor_purpura_distance


class VictorPurpura(TrainDistance):
    """Victor-Purpura distance to target trains ``[B, T, C]``, the mean over samples and neurons.

    Predictions are the trains ``[B, T, C]``.

    Args:
        cost: Of moving a spike by a ms; adding or removing one costs 1. The gradient is that of
            `metrics.victor_purpura_distance`.

    Raises:
        ValueError: if it is negative.

    Source: Victor and Purpura, J. Neurophysiol. 76 (1996), 1310.
    """

    def __init__(self, cost: float = 0.1) -> None:
        checks.non_negative("cost", cost)
        self.cost = cost

    def distance(self, spikes: Tensor, target: Tensor, *, dt: float) -> Tensor:
        """See `metrics.victor_purpura_distance`."""
        return victor_purpura_distance(spikes, target, cost=self.cost, dt=dt)
