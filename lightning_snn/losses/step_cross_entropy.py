"""Cross-entropy of every step: temporal efficient training."""

from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.losses.loss import Loss
from lightning_snn.losses.steps import mean_over_time


class StepCrossEntropy(Loss):
    """Mean over time of the cross-entropy of each step's outputs ``[T, B, C]``; labels ``[B]``.

        loss = (1 - lam) mean_t CE(o_t, label) + lam mean_t |o_t - phi|^2 / C

    Predictions take the mean of the outputs over time, as in the paper.

    Args:
        lam: Weight of the second term, which keeps outputs near ``phi``.
        phi: What outputs are kept near; the threshold in the paper.

    Raises:
        ValueError: if ``lam`` does not lie in 0 to 1, or ``phi`` is not finite.

    Source: Deng et al., Temporal efficient training of spiking neural network via gradient re-weighting, ICLR
    (2022).
    """

    over_time = True

    def __init__(self, lam: float = 0.05, *, phi: float = 1.0) -> None:
        checks.between("lam", lam, 0, 1)
        checks.finite("phi", phi)
        self.lam = lam
        self.phi = phi

    def __call__(self, output: Tensor, target: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The mean over the samples; see `Loss`."""
        del dt
        labels = target.expand(len(output), -1)
        every = F.cross_entropy(output.movedim(-1, 1), labels, reduction="none")
        losses = (1 - self.lam) * every
        if self.lam:
            losses = losses + self.lam * (output - self.phi).square().mean(-1)
        return mean_over_time(losses, lengths).mean()
