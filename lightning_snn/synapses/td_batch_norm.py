"""Batch normalisation of charges over time and batch: tdBN, and TEBN with a weight for each step."""

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.synapses.normalisation import Normalisation
from lightning_snn.synapses.sequence_norm import SequenceBatchNorm


class TDBatchNorm(Normalisation):
    """Threshold-dependent batch normalisation, over steps, samples and places.

        y = weight (x - mean) / sqrt(variance + eps) + bias,    weight = alpha threshold at first

    Mean and variance are those of a channel over all steps, samples and places, on any number of processes;
    in evaluation their running values. For the charge that counts as the threshold see `Normalisation`: in
    the paper, where a charge adds to the potential as it is, it is the threshold itself.

    Args:
        alpha: Deviation at first, in thresholds.
        scale: The charge that counts as the threshold; by default as the target's neurons say.
        momentum: Share of a batch in the running statistics.
        eps: Added to the variance.

    Raises:
        ValueError: if a number is out of range.

    Source: Zheng et al., Going deeper with directly-trained larger spiking neural networks, AAAI (2021),
    eq. 6 to 8.
    """

    holds = True

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        scale: float | None = None,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> None:
        super().__init__(alpha, scale=scale, eps=eps)
        checks.between("momentum", momentum, 0, 1)
        self.momentum = momentum

    def make(self, channels: int) -> nn.Module:
        """Over n and P."""
        return SequenceBatchNorm(channels, eps=self.eps, momentum=self.momentum)


class TEBN(TDBatchNorm):
    """Temporal effective batch normalisation: `TDBatchNorm`, times a learned factor of each step.

        y_t = p_t (weight (x_t - mean) / sqrt(variance + eps) + bias),    p_t = 1 at first

    Args:
        num_steps: Steps T of a sequence; all sequences have as many.
        alpha: As in `TDBatchNorm`.
        scale: As in `TDBatchNorm`.
        momentum: As in `TDBatchNorm`.
        eps: As in `TDBatchNorm`.

    Raises:
        ValueError: if a number is out of range, or a sequence has another number of steps.

    Source: Duan et al., Temporal effective batch normalization in spiking neural networks, NeurIPS (2022),
    eq. 9. There the weights start at 1, with a threshold of 1.
    """

    holds = False

    def __init__(
        self,
        num_steps: int,
        alpha: float = 1.0,
        *,
        scale: float | None = None,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> None:
        super().__init__(alpha, scale=scale, momentum=momentum, eps=eps)
        checks.count("num_steps", num_steps)
        self.step_weight = nn.Parameter(torch.ones(num_steps))

    def forward(self, charge: Tensor) -> Tensor:
        """Normalised charge ``[T, B, N]``."""
        steps = len(self.step_weight)
        if len(charge) != steps:
            raise ValueError(
                f"norm: TEBN has weights for num_steps = {steps} steps and must see them at once, got a "
                f"sequence of {len(charge)}"
            )
        normal: Tensor = super().forward(charge)
        return self.step_weight[:, None, None].to(normal.dtype) * normal
