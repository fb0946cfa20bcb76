"""Distance of spike trains to target trains: the cost of turning one into the other."""

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.losses.loss import Loss
from lightning_snn.losses.steps import over_steps, up_to
from lightning_snn.metrics import victor_purpura_distance


class VictorPurpura(Loss):
    """Victor-Purpura distance to target trains ``[B, T, C]``, the mean over samples and neurons.

    Predictions are the trains ``[B, T, C]``.

    Args:
        cost: Of moving a spike by a ms; adding or removing one costs 1. The gradient is that of
            `metrics.victor_purpura_distance`.

    Raises:
        ValueError: if it is negative.

    Source: Victor and Purpura, J. Neurophysiol. 76 (1996), 1310.
    """

    over_time = True
    of = "spikes"
    sequences = True

    def __init__(self, cost: float = 0.1) -> None:
        checks.non_negative("cost", cost)
        self.cost = cost

    def __call__(self, output: Tensor, target: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The mean over samples and neurons; see `Loss`."""
        wanted = over_steps(target, output, of="VictorPurpura")
        trains = up_to(output, lengths), up_to(wanted, lengths)
        return victor_purpura_distance(*trains, cost=self.cost, dt=dt).mean()

    def scores(self, output: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The trains ``[B, T, C]``, 0 behind the end of a sample."""
        del dt
        return up_to(output, lengths).transpose(0, 1)
