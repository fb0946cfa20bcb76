"""The state that all metrics of this package share: a sum and a count."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


class RunningMean(Metric):
    """Mean over every value seen, on every process; a subclass turns its input into values.

    Args:
        kwargs: Options of `torchmetrics.Metric`, such as ``sync_on_compute``.
    """

    is_differentiable = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def add(self, values: Tensor) -> None:
        """Count each of ``values``, whatever their shape."""
        self.total += values.detach().sum()
        self.count += values.numel()

    def compute(self) -> Tensor:
        """The mean, a scalar; nan where there was no value."""
        return self.total / self.count
