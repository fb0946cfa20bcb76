"""Standardisation of features over the training samples, the same on any number of processes."""

from lightning_snn.core.batch_norm import PooledBatchNorm


class FeatureNorm(PooledBatchNorm):
    """Batch normalisation of features ``[B, F]`` without trained parameters; see `PooledBatchNorm`.

    Args:
        num_features: Features F.
    """

    def __init__(self, num_features: int) -> None:
        # a feature that hardly varies is not blown up
        super().__init__(num_features, eps=4e-4, affine=False)
