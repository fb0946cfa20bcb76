"""How spike counts vary from window to window, and how they go together."""

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.time import whole_steps
from lightning_snn.metrics.functional.activity import check_binary
from lightning_snn.metrics.functional.moments import Moments


def fano_factor(spikes: Tensor, *, window: float = 100.0, dt: float = 1.0) -> Tensor:
    """Variance over mean of each neuron's spike counts in windows that follow each other.

    1 for a Poisson process, 0 for a clock. The windows of all samples count together, so what differs from
    sample to sample (a stimulus) is part of the variance, which is over the number of windows minus 1.

    Args:
        spikes: ``[T, B, N]`` or maps ``[T, B, C, H, W]``, in {0, 1}; a rest that fills no window is left out.
        window: In ms; whole steps.
        dt: Step in ms.

    Returns:
        ``[N]``; nan for a neuron without a spike, or with one window.

    Raises:
        ValueError: if ``spikes`` has another rank, an empty dimension or other values, or the window is not a
            whole number of steps.

    Source: Fano, Phys. Rev. 72 (1947), 26; for spikes: Gabbiani and Koch (1998).

    >>> fano_factor(torch.tensor([1.0, 1.0, 0.0, 0.0]).view(4, 1, 1), window=1.0, dt=0.5)
    tensor([2.])
    """
    counts, _ = window_counts(spikes, steps_of(window, dt))
    return fano_of(count_moments(counts))


def count_correlation(spikes: Tensor, *, window: float = 20.0, dt: float = 1.0) -> Tensor:
    """Mean Pearson correlation of the spike counts of two neurons, over all pairs of different neurons.

    Neurons whose count never changes are in no pair. The windows of all samples count together, so what all
    neurons share from sample to sample is part of it. Of Z-scores z of K windows it is
    ``(sum_k (sum_i z_ki)^2 / K - N) / (N (N - 1))``, which needs no matrix of pairs.

    Args:
        spikes: ``[T, B, N]`` or maps ``[T, B, C, H, W]``, in {0, 1}; a rest that fills no window is left out.
        window: In ms; whole steps.
        dt: Step in ms.

    Returns:
        A scalar in [-1, 1]; nan where fewer than two neurons have counts that change.

    Raises:
        ValueError: as `fano_factor`.

    Source: Cohen and Kohn, Nature Neuroscience 14 (2011), 811.

    >>> count_correlation(torch.eye(2).view(2, 1, 2), window=1.0)
    tensor(-1.)
    """
    counts, _ = window_counts(spikes, steps_of(window, dt))
    counts = counts.flatten(0, 1).double()
    spread = counts.std(0, correction=0)
    scores = ((counts - counts.mean(0)) / spread)[:, spread > 0]
    number = scores.shape[1]
    return ((scores.sum(1).square().mean() - number) / (number * (number - 1))).float()


def steps_of(window: float, dt: float) -> int:
    """Steps of a window in ms.

    Raises:
        ValueError: if it is not positive, or no whole number of them.
    """
    checks.positive("dt", dt)
    checks.positive("window", window)
    return max(1, whole_steps("window", window, dt))


def window_counts(
    spikes: Tensor, steps: int, begun: tuple[Tensor, int] | None = None
) -> tuple[Tensor, tuple[Tensor, int]]:
    """Spike counts ``[K, B, N]`` of the windows that are full, and those of the one that has begun.

    Args:
        spikes: ``[T, B, N]`` or maps.
        steps: Steps of a window.
        begun: Counts ``[B, N]`` of a window that began before, and how many steps of it are over.
    """
    spikes = check_binary(spikes).flatten(2).float()
    before, over = (torch.zeros_like(spikes[0]), 0) if begun is None else begun
    number = (over + torch.arange(len(spikes), device=spikes.device)) // steps
    full, rest = divmod(over + len(spikes), steps)
    counts = spikes.new_zeros(full + 1, *spikes.shape[1:])
    counts[0] = before
    counts.index_add_(0, number, spikes)
    return counts[:full], (counts[full].clone(), rest)


def count_moments(counts: Tensor) -> Moments:
    """Moments of counts ``[K, B, N]``."""
    values = counts.flatten(0, 1).double()
    number = values.new_full(values.shape[1:], len(values))
    return Moments(number, values.sum(0), values.square().sum(0))


def fano_of(moments: Moments) -> Tensor:
    """Fano factor ``[N]``, float32."""
    return (moments.variance() / moments.mean()).float()


def mean_correlation(number: Tensor, total: Tensor, products: Tensor) -> Tensor:
    """Mean correlation over pairs, from sums.

    Args:
        number: Windows, a scalar.
        total: Sums of the counts ``[S]``.
        products: Sums of their products ``[S, S]``.
    """
    spread = products - total[:, None] * total / number
    changing = spread.diagonal() > 1e-9 * products.diagonal()
    spread = spread[changing][:, changing]
    scale = spread.diagonal().rsqrt()
    neurons = len(scale)
    every = (scale[:, None] * spread * scale).sum()
    return ((every - neurons) / (neurons * (neurons - 1))).float()
