"""Binary cross-entropy: several classes, or none, in one sample."""

from torch import Tensor
from torch.nn import functional as F

from lightning_snn.losses.loss import Loss


class BinaryCrossEntropy(Loss):
    """Binary cross-entropy of each class; targets ``[B, C]`` in [0, 1], of any type.

    What the readout gives, scores ``[B, C]`` or the mean over time of outputs ``[T, B, C]``, are the logits;
    what metrics and predictions see are the probabilities.
    """

    multilabel = True

    def __call__(self, output: Tensor, target: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The mean over samples and classes; see `Loss`."""
        logits = super().scores(output, dt=dt, lengths=lengths)
        if target.shape != logits.shape:
            raise ValueError(
                f"a target of BinaryCrossEntropy must be [B, C] = {list(logits.shape)}, for each class "
                f"whether the sample is of it, got {list(target.shape)}"
            )
        return F.binary_cross_entropy_with_logits(logits, target.to(logits))

    def scores(self, output: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The probability of each class ``[B, C]``."""
        return super().scores(output, dt=dt, lengths=lengths).sigmoid()
