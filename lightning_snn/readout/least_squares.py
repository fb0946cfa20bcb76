"""Regularised least squares from features to classes, in closed form."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Standardise = Literal["global", "feature"]

Solver = Callable[[float], tuple[Tensor, Tensor]]
"""A penalty to weights ``[C, D]`` and biases ``[C]``."""

FLOOR = 1e-3
"""Share of the mean variance that is added to each, so that a feature that hardly varies is not blown up."""


def solve_by_samples(
    features: Tensor, target: Tensor, *, penalty: float, standardise: Standardise
) -> tuple[Tensor, Tensor]:
    """Weights and biases that minimise ``mean_n |y_n - W z_n - b|^2 + penalty |W|^2``; quick for few samples.

    z are the features with mean 0, and variance 1 of each (``feature``) or on average (``global``); the
    weights that are returned are those of the features as they are.

    Args:
        features: ``[N, D]`` in float64.
        target: y ``[N, C]`` in float64.
        penalty: Cost of the squared weights.
        standardise: What has variance 1.

    Returns:
        ``W [C, D]`` and ``b [C]``.

    Source: Hoerl and Kennard, Technometrics 12 (1970); by samples: Saunders, Gammerman and Vovk, ICML (1998).
    """
    return solver_by_samples(features, target, standardise=standardise)(penalty)


def solver_by_samples(features: Tensor, target: Tensor, *, standardise: Standardise) -> Solver:
    """`solve_by_samples` for any penalty: what all penalties share is computed once."""
    mean, average = features.mean(0), target.mean(0)
    scale = _scale(features.var(0, correction=0), standardise)
    centred = (features - mean) / scale
    similarity = centred @ centred.t() / len(features)
    wanted = (target - average) / len(features)

    def solve(penalty: float) -> tuple[Tensor, Tensor]:
        weight = _solve(similarity, penalty, wanted).t() @ centred / scale
        return weight, average - weight @ mean

    return solve


def solve_by_products(
    products: Tensor, size: int, *, penalty: float, standardise: Standardise
) -> tuple[Tensor, Tensor]:
    """As `solve_by_samples`, for classes, from sums over any number of samples.

    Args:
        products: Sum of the products of all pairs ``[D + C, D + C]`` of what a sample has: its features, and
            1 for its class among zeros for the others.
        size: Features D.
        penalty: Cost of the squared weights.
        standardise: What has variance 1.
    """
    return solver_by_products(products, size, standardise=standardise)(penalty)


def solver_by_products(products: Tensor, size: int, *, standardise: Standardise) -> Solver:
    """`solve_by_products` for any penalty: what all penalties share is computed once."""
    by_class, samples = products[:size, size:], products.diagonal()[size:]
    count = samples.sum()
    mean, average = by_class.sum(1) / count, samples / count
    covariance = torch.addr(products[:size, :size] / count, mean, mean, alpha=-1)
    scale = _scale(covariance.diagonal().clamp_min(0), standardise)
    covariance.div_(scale[:, None]).div_(scale)
    with_target = (by_class / count - torch.outer(mean, average)) / scale[:, None]

    def solve(penalty: float) -> tuple[Tensor, Tensor]:
        weight = _solve(covariance, penalty, with_target).t() / scale
        return weight, average - weight @ mean

    return solve


def error_by_products(weight: Tensor, bias: Tensor, products: Tensor, size: int) -> Tensor:
    """``sum_n |y_n - W x_n - b|^2`` of samples of which only the sums are known; see `solve_by_products`."""
    both = torch.cat([-weight, torch.eye(len(bias), dtype=weight.dtype, device=weight.device)], 1)
    sums = products[:, size:].sum(1)  # of each sample one class is 1
    count = sums[size:].sum()
    return ((both @ products) * both).sum() - 2 * bias @ (both @ sums) + count * bias.square().sum()


def _scale(variance: Tensor, standardise: Standardise) -> Tensor:
    """Standard deviations ``[D]`` that features are divided by; 1 where nothing varies."""
    mean = variance.mean()
    found = mean.expand_as(variance) if standardise == "global" else variance + FLOOR * mean
    return torch.where(found > 0, found, 1.0).sqrt()


def _solve(matrix: Tensor, penalty: float, right: Tensor) -> Tensor:
    """``(M + penalty 1)^-1 R`` of a matrix without negative eigenvalues."""
    penalised = matrix.clone()
    penalised.diagonal().add_(penalty)
    return torch.cholesky_solve(right, torch.linalg.cholesky(penalised))
