"""What a loss is: one number to be minimised, of what a readout gives."""

from abc import ABC, abstractmethod
from typing import Literal

from torch import Tensor

from lightning_snn.core.config import Configurable
from lightning_snn.losses.steps import mean_over_time
from lightning_snn.readout import Readout, SequenceReadout


class Loss(Configurable, ABC):
    """Base of the losses: ``loss(output, target, dt=1.0) -> scalar``.

    An output is what the readout gives: scores ``[B, C]``, or outputs ``[T, B, C]`` of a `SequenceReadout`.

    Attributes:
        over_time: Whether it takes outputs over time ``[T, B, C]``, or scores ``[B, C]``; None: either.
        of: Whether outputs over time must be ``spikes``, or ``potentials``; None: either.
        sequences: Whether targets and scores are ``[B, T, C]``, and not ``[B, C]``.
        multilabel: Whether a sample may be of several classes, or none; its scores are probabilities then.
    """

    over_time: bool | None = None
    of: Literal["spikes", "potentials"] | None = None
    sequences: bool = False
    multilabel: bool = False

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
        over_time = isinstance(readout, SequenceReadout)
        kind = "spikes" if getattr(readout, "spiking", False) else "potentials"
        fits = self.over_time in (None, over_time) and (not over_time or self.of in (None, kind))
        if not fits:
            given = f"{kind} over time" if over_time else "scores [B, C]"
            raise ValueError(
                f"loss: {type(self).__name__} takes {self._takes()}, and {key} is "
                f"{type(readout).__name__}, which gives {given}"
            )

    def _takes(self) -> str:
        """What it takes, in words, with readouts that give such."""
        if self.over_time is False:
            return "scores [B, C] of a readout such as Linear"
        such = {"spikes": "SpikingReadout or Votes", "potentials": "LeakyReadout"}
        what = f"{self.of or 'outputs'} over time"
        return f"{what} of a readout such as {such.get(self.of or '', 'LeakyReadout or SpikingReadout')}"
