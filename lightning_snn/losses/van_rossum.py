"""Distance of spike trains to target trains: traces."""

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.losses.train_distance import TrainDistance
from lightning_snn.metrics import van_rossum_distance


class VanRossum(TrainDistance):
    """Squared van Rossum distance to target trains ``[B, T, C]``, the mean over samples and neurons.

    Predictions are the trains ``[B, T, C]``.

    Args:
        tau: Time constant in ms of the traces that are compared; see `metrics.van_rossum_distance`.

    Raises:
        ValueError: if it is not positive.

    Source: van Rossum, A novel spike distance, Neural Comput. 13 (2001); as a loss: Zenke and Ganguli,
    SuperSpike, Neural Comput. 30 (2018).
    """

    def __init__(self, tau: float = 10.0) -> None:
        checks.positive("tau", tau)
        self.tau = tau

    def distance(self, spikes: Tensor, target: Tensor, *, dt: float) -> Tensor:
        """See `metrics.van_rossum_distance`."""
        return van_rossum_distance(spikes, target, tau=self.tau, dt=dt)
