"""Cross-entropy of class scores, or of rates over time."""

from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.losses.loss import Loss
from lightning_snn.losses.steps import last_steps


class CrossEntropy(Loss):
    """Cross-entropy of scores ``[B, C]``, or of the mean over time of outputs ``[T, B, C]``; labels ``[B]``.

    The mean of a spiking readout's outputs are its rates in spikes a step, at most 1: a ``scale`` of 10, say,
    lets them tell classes apart with certainty.

    Args:
        scale: What scores are multiplied by.
        label_smoothing: Share of a label that goes to all classes alike.
        last: Of outputs over time those of the last ``last`` ms of each sample count; None: all.

    Raises:
        ValueError: if the scale or the time is not positive, or the share does not lie in 0 to 1.

    Source: of rates: Neftci, Mostafa and Zenke, IEEE Signal Process. Mag. 36 (2019); label smoothing: Szegedy
    et al., CVPR (2016).
    """

    def __init__(
        self, scale: float = 1.0, *, label_smoothing: float = 0.0, last: float | None = None
    ) -> None:
        checks.positive("scale", scale)
        checks.between("label_smoothing", label_smoothing, 0, 1)
        self.scale = scale
        if last is not None:
            checks.positive("last", last)
        self.label_smoothing = label_smoothing
        self.last = last

    def __call__(self, output: Tensor, target: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The mean over the samples; see `Loss`."""
        scores = self.scores(output, dt=dt, lengths=lengths)
        return F.cross_entropy(scores, target, label_smoothing=self.label_smoothing)

    def scores(self, output: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """Scaled scores ``[B, C]``, or means over time."""
        if output.ndim == 3 and self.last is not None:
            output, lengths = last_steps(output, lengths, max(1, round(self.last / dt))), None
        scores = super().scores(output, dt=dt, lengths=lengths)
        return scores if self.scale == 1 else self.scale * scores
