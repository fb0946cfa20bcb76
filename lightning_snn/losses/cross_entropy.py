"""Cross-entropy of class scores, or of rates over time."""

from torch import Tensor
from torch.nn import functional as F

from lightning_snn.losses.loss import Loss


class CrossEntropy(Loss):
    """Cross-entropy of scores ``[B, C]``, or of the mean over time of outputs ``[T, B, C]``; labels ``[B]``.

    The mean of a spiking readout's outputs are its rates in spikes a step.
    """

    def __call__(self, output: Tensor, target: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The mean loss over the samples; see `Loss`."""
        return F.cross_entropy(self.scores(output, dt=dt, lengths=lengths), target)
