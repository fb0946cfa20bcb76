"""Distance of spike trains to target trains: traces."""

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.losses.loss import Loss
from lightning_snn.losses.steps import over_steps, up_to
from lightning_snn.metrics import van_rossum_distance


class VanRossum(Loss):
    """Squared van Rossum distance to target trains ``[B, T, C]``, the mean over samples and neurons.

    Predictions are the trains ``[B, T, C]``.

    Args:
        tau: Time constant in ms of the traces that are compared; see `metrics.van_rossum_distance`.

    Raises:
        ValueError: if it is not positive.

    Source: van Rossum, A novel spike distance, Neural Comput. 13 (2001); as a loss: Zenke and Ganguli,
    SuperSpike, Neural Comput. 30 (2018).
    """

    over_time = True
    of = "spikes"
    sequences = True

    def __init__(self, tau: float = 10.0) -> None:
        checks.positive("tau", tau)
        self.tau = tau

    def __call__(self, output: Tensor, target: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The mean over samples and neurons; see `Loss`."""
        wanted = over_steps(target, output, of="VanRossum")
        trains = up_to(output, lengths), up_to(wanted, lengths)
        return van_rossum_distance(*trains, tau=self.tau, dt=dt).mean()

    def scores(self, output: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The trains ``[B, T, C]``, 0 behind the end of a sample."""
        del dt
        return up_to(output, lengths).transpose(0, 1)
