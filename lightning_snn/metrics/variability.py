"""How regularly neurons spike, and how much together; see `lightning_snn.metrics.functional`."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.random import stream_of
from lightning_snn.metrics.carried import CarriedMetric
from lightning_snn.metrics.functional.counts import (
    count_moments,
    fano_of,
    mean_correlation,
    steps_of,
    window_counts,
)
from lightning_snn.metrics.functional.intervals import check_least, cv_of, intervals_of
from lightning_snn.metrics.functional.moments import Moments


class MomentsMetric(CarriedMetric):
    """A metric of the number, mean and variance of what each neuron gives."""

    number: Tensor
    total: Tensor
    square: Tensor

    def __init__(self, num_neurons: int, **kwargs: Any) -> None:
        super().__init__(num_neurons, **kwargs)
        for name in Moments._fields:
            self.add_state(name, torch.zeros(num_neurons, dtype=torch.float64), dist_reduce_fx="sum")

    @property
    def moments(self) -> Moments:
        """Those of all values so far."""
        return Moments(self.number, self.total, self.square)

    def add_moments(self, found: Moments) -> None:
        """Add those of further values."""
        self.number += found.number
        self.total += found.total
        self.square += found.square


class InterspikeInterval(MomentsMetric):
    """Mean interval in ms between successive spikes of a neuron, over all intervals; nan without any.

    Args:
        num_neurons: Number of neurons N.
        dt: Step in ms.
        continues: As in `CarriedMetric`: whether updates follow each other in time.
        kwargs: Options of `torchmetrics.Metric`.

    Raises:
        ValueError: if ``dt`` is not positive.

    >>> metric = InterspikeInterval(1, dt=0.5, continues=True)
    >>> metric.update(torch.tensor([1.0, 0.0]).view(2, 1, 1))
    >>> metric.update(torch.tensor([0.0, 1.0]).view(2, 1, 1))
    >>> metric.compute()
    tensor(1.5000)
    """

    def __init__(self, num_neurons: int, *, dt: float = 1.0, continues: bool = False, **kwargs: Any) -> None:
        checks.positive("dt", dt)
        super().__init__(num_neurons, continues=continues, **kwargs)
        self.dt = dt

    def add(self, spikes: Tensor, before: Tensor | None) -> Tensor:
        """Count the intervals that end in ``spikes``."""
        found = intervals_of(spikes, before)
        self.add_moments(Moments.of(found.steps, found.neuron, self.num_neurons))
        return found.last

    def compute(self) -> Tensor:
        """The mean in ms, a scalar."""
        return (self.total.sum() / self.number.sum() * self.dt).float()


class IntervalCV(MomentsMetric):
    """Coefficient of variation of the interspike intervals, the mean over neurons; see `interval_cv`.

    Args:
        num_neurons: Number of neurons N.
        least: A neuron needs as many intervals to count.
        continues: As in `CarriedMetric`: whether updates follow each other in time.
        kwargs: Options of `torchmetrics.Metric`.

    Raises:
        ValueError: if ``least`` is not a whole number above 1.
    """

    def __init__(self, num_neurons: int, *, least: int = 3, continues: bool = False, **kwargs: Any) -> None:
        check_least(least)
        super().__init__(num_neurons, continues=continues, **kwargs)
        self.least = least

    def add(self, spikes: Tensor, before: Tensor | None) -> Tensor:
        """Count the intervals that end in ``spikes``."""
        found = intervals_of(spikes, before)
        self.add_moments(Moments.of(found.steps, found.neuron, self.num_neurons))
        return found.last

    def compute(self) -> Tensor:
        """The mean over the neurons that count, a scalar; nan without any."""
        return cv_of(self.moments, self.least).nanmean()


class FanoFactor(MomentsMetric):
    """Fano factor of the spike counts in windows, the mean over neurons; see `fano_factor`.

    Args:
        num_neurons: Number of neurons N.
        window: In ms; whole steps.
        dt: Step in ms.
        continues: As in `CarriedMetric`: whether updates follow each other in time.
        kwargs: Options of `torchmetrics.Metric`.

    Raises:
        ValueError: if the window is not a whole number of steps.
    """

    def __init__(
        self,
        num_neurons: int,
        *,
        window: float = 100.0,
        dt: float = 1.0,
        continues: bool = False,
        **kwargs: Any,
    ) -> None:
        self.steps = steps_of(window, dt)
        super().__init__(num_neurons, continues=continues, **kwargs)

    def add(self, spikes: Tensor, before: tuple[Tensor, int] | None) -> tuple[Tensor, int]:
        """Count the windows that end in ``spikes``."""
        counts, begun = window_counts(spikes, self.steps, before)
        self.add_moments(count_moments(counts))
        return begun

    def compute(self) -> Tensor:
        """The mean over the neurons that spiked, a scalar; nan without any."""
        return fano_of(self.moments).nanmean()


class CountCorrelation(CarriedMetric):
    """Mean correlation of the spike counts of pairs of neurons; see `count_correlation`.

    Of many neurons it takes a sample, so that its memory is bounded: ``8 most^2`` bytes.

    Args:
        num_neurons: Number of neurons N.
        window: In ms; whole steps.
        most: Neurons of which all pairs count; of more a sample.
        seed: Seed of the sample.
        dt: Step in ms.
        continues: As in `CarriedMetric`: whether updates follow each other in time.
        kwargs: Options of `torchmetrics.Metric`.

    Raises:
        ValueError: if the window is not a whole number of steps, or ``most`` below 2.
    """

    number: Tensor
    total: Tensor
    products: Tensor
    chosen: Tensor

    def __init__(
        self,
        num_neurons: int,
        *,
        window: float = 20.0,
        most: int = 500,
        seed: int = 0,
        dt: float = 1.0,
        continues: bool = False,
        **kwargs: Any,
    ) -> None:
        self.steps = steps_of(window, dt)
        checks.count("most", most)
        if most < 2:
            raise ValueError(f"most must be at least 2, the neurons of one pair, got {most}")
        super().__init__(num_neurons, continues=continues, **kwargs)
        order = torch.randperm(num_neurons, generator=stream_of("count_correlation", seed).torch())
        self.register_buffer("chosen", order[:most].sort().values, persistent=False)
        size = len(self.chosen)
        self.add_state("number", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("total", torch.zeros(size, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("products", torch.zeros(size, size, dtype=torch.float64), dist_reduce_fx="sum")

    def add(self, spikes: Tensor, before: tuple[Tensor, int] | None) -> tuple[Tensor, int]:
        """Count the windows that end in ``spikes``."""
        counts, begun = window_counts(spikes[:, :, self.chosen], self.steps, before)
        values = counts.flatten(0, 1).double()
        self.number += len(values)
        self.total += values.sum(0)
        self.products += values.T @ values
        return begun

    def compute(self) -> Tensor:
        """The mean over the pairs, a scalar; nan without any."""
        return mean_correlation(self.number, self.total, self.products)
