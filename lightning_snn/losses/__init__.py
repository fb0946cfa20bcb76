"""Losses of what readouts give, and regularisers."""

from lightning_snn.losses.cross_entropy import CrossEntropy
from lightning_snn.losses.loss import Loss

__all__ = ["CrossEntropy", "Loss"]
