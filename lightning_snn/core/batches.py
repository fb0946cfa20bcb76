"""What comes in batches: samples, and predictions of them."""

from typing import NamedTuple

from torch import Tensor


class Prediction(NamedTuple):
    """Predictions of a batch ``[B]``: sample numbers (-1 if unknown), classes and their probabilities."""

    sample: Tensor
    label: Tensor
    probability: Tensor


class Batch(NamedTuple):
    """Images with their labels and numbers.

    Attributes:
        image: Grey values ``[B, 1, H, W]``, float32 in [0, 1].
        label: Classes ``[B]``, int64.
        sample: Numbers of the samples ``[B]``, int64, unique over all splits of a data set.
    """

    image: Tensor
    label: Tensor
    sample: Tensor
