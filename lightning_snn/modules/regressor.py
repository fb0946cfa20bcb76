"""The regressor: a spiking network and readouts that predict numbers."""

from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor
from torchmetrics import MeanAbsoluteError, Metric, R2Score
from torchmetrics import MeanSquaredError as SquaredError

from lightning_snn.core import checks
from lightning_snn.core.batches import Parts
from lightning_snn.core.time import within
from lightning_snn.encoders import ConstantCurrent, Encoder
from lightning_snn.losses import Loss, MeanSquaredError
from lightning_snn.modules.base import SpikingModule
from lightning_snn.network import SpikingLayer
from lightning_snn.readout import Linear, Readout


class SpikingRegressor(SpikingModule):
    """Predicts numbers, or sequences of numbers, from the spikes that an input evokes in a network.

    Batches are ``(input, target)``, or with the samples' numbers ``[B]`` as third item. Targets are
    ``[B, num_outputs]``; with a loss of all steps, such as ``MeanSquaredError("steps")``, they are
    ``[B, T, num_outputs]``, of which those behind the end of a sample do not count. Of a single output the
    last dimension may be missing.

    Args:
        layers: The layers of the network by name, as they run.
        encoder: What a batch becomes at the input layers: one encoder, or one for each by name; a constant
            current by default.
        readout: ``(in_features, num_outputs) -> Readout``.
        num_outputs: Numbers that are predicted.
        loss: What is minimised; `MeanSquaredError` by default.
        **options: All others as `SpikingModule` has them.

    Raises:
        ValueError: if an argument is out of range or cannot be stored, or the parts do not fit together.
    """

    _settled: ClassVar[tuple[str, ...]] = ("out_features",)

    def __init__(
        self,
        layers: dict[str, SpikingLayer],
        encoder: Encoder | dict[str, Encoder] | None = None,
        readout: Callable[[int, int], Readout] = Linear,
        *,
        num_outputs: int = 1,
        loss: Loss | None = None,
        **options: Any,
    ) -> None:
        checks.count("num_outputs", num_outputs)
        given = encoder or ConstantCurrent()
        super().__init__(layers, given, readout, num_outputs, loss=loss or MeanSquaredError(), **options)
        self.num_outputs = num_outputs

    def metrics(self) -> dict[str, Metric]:
        """Mean squared and absolute error, and the share of the variance that is explained."""
        return {"mse": SquaredError(), "mae": MeanAbsoluteError(), "r2": R2Score()}

    def target(self, batch: Parts) -> Tensor:
        """Numbers ``[B, num_outputs]``, or ``[B, T, num_outputs]``."""
        found = super().target(batch)
        assert self.objective is not None
        shape = "[B, T, " if self.objective.sequences else "[B, "
        if self.num_outputs == 1 and found.ndim == shape.count(","):
            found = found[..., None]
        if found.ndim != shape.count(",") + 1 or found.shape[-1] != self.num_outputs:
            raise ValueError(
                f"targets must be {shape}{self.num_outputs}] (num_outputs), got {list(found.shape)}"
            )
        return found

    def compared(self, scores: Tensor, target: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """As in the base class; of sequences the steps of each sample, one after another."""
        scores, target = scores.float().contiguous(), target.float().contiguous()  # metrics view them
        if scores.ndim < 3:
            return scores, target
        if lengths is None:
            return scores.flatten(0, 1), target.flatten(0, 1)
        inside = within(lengths, scores.shape[1]).t()
        return scores[inside], target[inside]
