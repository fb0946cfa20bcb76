"""Number, mean and variance of what each neuron gives, from sums that add up."""

from typing import NamedTuple

import torch
from torch import Tensor


class Moments(NamedTuple):
    """Sums ``[N]`` over the values of each neuron, float64."""

    number: Tensor
    total: Tensor
    square: Tensor

    @classmethod
    def of(cls, values: Tensor, neuron: Tensor, num_neurons: int) -> "Moments":
        """Those of ``values`` ``[M]``, each given by a ``neuron`` ``[M]``."""
        values = values.double()
        none = values.new_zeros(num_neurons)
        return cls(*(none.index_add(0, neuron, part) for part in (values**0, values, values**2)))

    def mean(self) -> Tensor:
        """Mean ``[N]``; nan without a value."""
        return self.total / self.number

    def variance(self) -> Tensor:
        """Variance ``[N]`` over ``number - 1``; nan with fewer than two values."""
        spread = (self.square - self.total**2 / self.number).clamp_min(0) / (self.number - 1)
        return torch.where(self.number > 1, spread, torch.nan)
