"""Cross-entropy of the largest potentials."""

from torch import Tensor
from torch.nn import functional as F

from lightning_snn.losses.loss import Loss
from lightning_snn.losses.steps import largest_over_time


class MaxCrossEntropy(Loss):
    """Cross-entropy of the largest potential over time of each class; labels ``[B]``.

    A class is judged, and learns, by the step at which its potential is largest.

    Source: Cramer et al., The Heidelberg spiking data sets, IEEE Trans. Neural Netw. Learn. Syst. 33 (2022);
    Zenke and Vogels, Neural Comput. 33 (2021).
    """

    over_time = True
    of = "potentials"

    def __call__(self, output: Tensor, target: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The mean over the samples; see `Loss`."""
        return F.cross_entropy(self.scores(output, dt=dt, lengths=lengths), target)

    def scores(self, output: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The largest potential of each class ``[B, C]``."""
        del dt
        return largest_over_time(output, lengths)
