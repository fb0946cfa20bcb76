"""Losses that are distances of spike trains to target trains."""

from abc import abstractmethod

from torch import Tensor

from lightning_snn.losses.loss import Loss
from lightning_snn.losses.steps import over_steps, up_to


class TrainDistance(Loss):
    """Base of the distances to target trains ``[B, T, C]``, the mean over samples and neurons.

    Predictions are the trains ``[B, T, C]``. A new one says the `distance`.
    """

    over_time = True
    of = "spikes"
    sequences = True

    @abstractmethod
    def distance(self, spikes: Tensor, target: Tensor, *, dt: float) -> Tensor:
        """The distance of each train ``[B, C]`` of spikes ``[T, B, C]`` to its target."""

    def __call__(self, output: Tensor, target: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The mean over samples and neurons; see `Loss`."""
        wanted = over_steps(target, output, of=type(self).__name__)
        return self.distance(up_to(output, lengths), up_to(wanted, lengths), dt=dt).mean()

    def scores(self, output: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The trains ``[B, T, C]``, 0 behind the end of a sample."""
        del dt
        return up_to(output, lengths).transpose(0, 1)
