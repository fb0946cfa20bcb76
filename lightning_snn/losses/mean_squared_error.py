"""Mean squared error of numbers, or of sequences of numbers."""

from typing import Literal, get_args

from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.losses.loss import Loss
from lightning_snn.losses.steps import last_of, mean_over_time, over_steps

Compared = Literal["mean", "last", "steps"]


class MeanSquaredError(Loss):
    """Mean squared error of scores ``[B, C]``, or of outputs over time ``[T, B, C]``.

    Args:
        compared: Of outputs over time their ``mean``, or the ``last`` of each sample, with targets
            ``[B, C]``; or all ``steps``, with targets ``[B, T, C]``, of which each sample's own count.

    Raises:
        ValueError: if the option is unknown.
    """

    def __init__(self, compared: Compared = "mean") -> None:
        checks.one_of("compared", compared, get_args(Compared))
        self.compared = compared
        self.over_time = None if compared == "mean" else True
        self.sequences = compared == "steps"

    def __call__(self, output: Tensor, target: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The mean over samples, their steps and outputs; see `Loss`."""
        if output.ndim == 3 and self.compared == "steps":
            wanted = over_steps(target, output, of="MeanSquaredError")
            return mean_over_time((output - wanted).square(), lengths).mean()
        scores = self.scores(output, dt=dt, lengths=lengths)
        if target.shape != scores.shape:
            raise ValueError(
                f"a target of MeanSquaredError must be [B, C] = {list(scores.shape)}, got "
                f"{list(target.shape)}" + ("" if target.ndim < 3 else "; of sequences, give compared: steps")
            )
        return F.mse_loss(scores, target.to(scores))

    def scores(self, output: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """What is compared: ``[B, C]``, or ``[B, T, C]``."""
        if output.ndim == 3 and self.compared == "steps":
            return output.transpose(0, 1)
        if output.ndim == 3 and self.compared == "last":
            return last_of(output, lengths)
        return super().scores(output, dt=dt, lengths=lengths)
