"""Distances of spike trains as metrics; the measures stand in `lightning_snn.metrics.functional`."""

from typing import Any

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.metrics import functional
from lightning_snn.metrics.mean import RunningMean


class VanRossumDistance(RunningMean):
    """Mean of the squared van Rossum distance over neurons and samples; see `van_rossum_distance`.

    Args:
        tau: Time constant in ms.
        dt: Step in ms.
        kwargs: Options of `torchmetrics.Metric`.

    Raises:
        ValueError: if a time is not positive.
    """

    def __init__(self, tau: float = 10.0, *, dt: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        checks.positive("tau", tau)
        checks.positive("dt", dt)
        self.tau = tau
        self.dt = dt

    def update(self, spikes: Tensor, target: Tensor) -> None:
        """Count trains ``[T, B, N]`` and their targets."""
        self.add(functional.van_rossum_distance(spikes, target, tau=self.tau, dt=self.dt))


class VictorPurpuraDistance(RunningMean):
    """Mean Victor-Purpura distance over neurons and samples; see `victor_purpura_distance`.

    Args:
        cost: Of moving a spike by a ms.
        dt: Step in ms.
        kwargs: Options of `torchmetrics.Metric`.

    Raises:
        ValueError: if the cost is negative, or ``dt`` not positive.

    >>> import torch
    >>> metric = VictorPurpuraDistance(0.1)
    >>> metric.update(torch.ones(3, 1, 1), torch.zeros(3, 1, 1))
    >>> metric.compute()
    tensor(3.)
    """

    def __init__(self, cost: float = 0.1, *, dt: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        checks.non_negative("cost", cost)
        checks.positive("dt", dt)
        self.cost = cost
        self.dt = dt

    def update(self, spikes: Tensor, target: Tensor) -> None:
        """Count trains ``[T, B, N]`` and their targets."""
        self.add(functional.victor_purpura_distance(spikes, target, cost=self.cost, dt=self.dt))
