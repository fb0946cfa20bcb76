"""Standardisation of features over the training samples, the same on any number of processes."""

from torch import Tensor

from lightning_snn.core.batch_norm import PooledBatchNorm


class FeatureNorm(PooledBatchNorm):
    """Batch normalisation without trained parameters, by the statistics of the whole batch.

    A sample that is a batch of its own is standardised by the statistics so far; see `PooledBatchNorm`.

    Args:
        num_features: Features F.
    """

    def __init__(self, num_features: int) -> None:
        # a feature that hardly varies is not blown up
        super().__init__(num_features, eps=4e-4, affine=False)

    def forward(self, features: Tensor) -> Tensor:
        """Standardised features ``[B, F]`` of features ``[B, F]``."""
        return super().forward(features)
