"""Activity of a population as metrics; the measures stand in `lightning_snn.metrics.functional`."""

from typing import Any

from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.metrics import functional
from lightning_snn.metrics.mean import RunningMean


class FiringRate(RunningMean):
    """Mean firing rate of a neuron in Hz, over all samples.

    Args:
        dt: Step in ms.
        kwargs: Options of `torchmetrics.Metric`.

    Raises:
        ValueError: if ``dt`` is not positive.

    >>> import torch
    >>> metric = FiringRate(dt=1.0)
    >>> metric.update(torch.ones(10, 2, 5))
    >>> metric.update(torch.zeros(10, 2, 5))
    >>> metric.compute()
    tensor(500.)
    """

    def __init__(self, dt: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        checks.positive("dt", dt)
        self.dt = dt

    def update(self, spikes: Tensor) -> None:
        """Count the samples of ``spikes`` ``[T, B, N]`` or ``[T, B, C, H, W]``."""
        self.add(functional.firing_rate(spikes, dt=self.dt))


class Sparsity(RunningMean):
    """Share of the neurons that stay silent during a presentation, the mean over all samples."""

    def update(self, spikes: Tensor) -> None:
        """Count the samples of ``spikes`` ``[T, B, N]`` or ``[T, B, C, H, W]``."""
        self.add(functional.sparsity(spikes))
