"""What a loss is: one number to be minimised, of what a readout gives."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from lightning_snn.core.config import Configurable
from lightning_snn.losses.steps import mean_over_time
from lightning_snn.readout import Readout, SequenceReadout


class Loss(Configurable, ABC):
    """Base of the losses: ``loss(output, target, dt=1.0) -> scalar``.

    An output is what the readout gives: scores ``[B, C]``, or outputs ``[T, B, C]`` of a `SequenceReadout`.

    Attributes:
        over_time: Whether it takes outputs over time ``[T, B, C]``, or scores ``[B, C]``; None: either.
    """

    over_time: ClassVar[bool | None] = None

    @abstractmethod
    def __call__(self, output: Tensor, target: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """The mean loss over the samples, a scalar.

        Args:
            output: What the readout gives, ``[B, C]`` or ``[T, B, C]``.
            target: What is to be learned, its first dimension the samples.
            dt: Step in ms.
            lengths: Steps of each sample ``[B]`` of outputs over time; None where all last T steps.

        Raises:
            ValueError: if the target is none of this loss.
        """

    def scores(self, output: Tensor, *, dt: float, lengths: Tensor | None = None) -> Tensor:
        """What metrics and predictions see: ``[B, C]``, or ``[B, T, C]`` where the target is a sequence.

        By default scores as they are, and the mean over time of outputs over time.
        """
        del dt
        return output if output.ndim == 2 else mean_over_time(output, lengths)

    def check(self, readout: Readout, *, key: str = "readout") -> None:
        """Raise ``ValueError`` if the loss does not fit a readout, which is given under ``key``."""
        gives = isinstance(readout, SequenceReadout)
        if self.over_time is None or self.over_time == gives:
            return
        takes = "outputs over time [T, B, C]" if self.over_time else "scores [B, C]"
        such = "LeakyReadout" if self.over_time else "Linear"
        raise ValueError(
            f"loss: {type(self).__name__} takes {takes}, of a readout such as {such}, and {key} is "
            f"{type(readout).__name__}, which gives {'outputs over time' if gives else 'scores'}"
        )
