"""Threshold-dependent batch normalisation of charges over time and batch."""

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.batch_norm import PooledBatchNorm
from lightning_snn.synapses.normalisation import Normalisation


class TDBatchNorm(Normalisation):
    """Batch normalisation over steps, samples and places, with the deviation that neurons need to spike.

        y = weight (x - mean) / sqrt(variance + eps) + bias,    weight = alpha threshold at first

    The threshold counts as a charge: the one that drives a neuron from rest to its threshold when it arrives
    alone, whatever the model, its time constant or ``dt``. In the paper, where a charge adds to the potential
    as it is, that is the threshold itself. Mean and variance are those of a channel over all steps, samples
    and places, on any number of processes; in evaluation their running values. ``gain`` and scale of the
    weights of a projection thus do not matter.

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

    norm: PooledBatchNorm

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        scale: float | None = None,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        checks.positive("alpha", alpha)
        if scale is not None:
            checks.positive("scale", scale)
        checks.between("momentum", momentum, 0, 1)
        checks.positive("eps", eps)
        self.alpha = alpha
        self.scale = scale
        self.momentum = momentum
        self.eps = eps
        self.needs_threshold = scale is None

    def build(self, channels: int, places: int) -> None:
        """Weights and biases ``[C]``, running statistics."""
        self.places = places
        self.norm = PooledBatchNorm(channels, eps=self.eps, momentum=self.momentum)
        self.fit(torch.tensor(1.0 if self.scale is None else self.scale))

    @torch.no_grad()
    def fit(self, threshold: Tensor) -> None:
        """Start with a deviation of ``alpha`` thresholds; a channel has the mean of those of its neurons."""
        if threshold.ndim:
            threshold = threshold.view(-1, self.places).mean(1)
        self.norm.weight.copy_(self.alpha * threshold)

    def forward(self, charge: Tensor) -> Tensor:
        """Normalised charge ``[T, B, N]``."""
        channels = charge.reshape(-1, self.norm.num_features, self.places)
        normal: Tensor = self.norm(channels)
        return normal.view_as(charge)
