"""Which penalty predicts best the samples that were left out."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lightning_snn.readout.least_squares import (
    Standardise,
    error_by_products,
    solver_by_products,
    solver_by_samples,
)

FOLDS = 5
"""Each of so many parts may be left out, of samples that are numbered in the order in which they come."""

JUDGED = 500
"""Samples left out in turn that are enough to choose by: all of few ones, a fifth of many."""


def least(candidates: Sequence[float], error: Callable[[float], float]) -> float:
    """The candidate of the least error, which falls and then rises along them.

    >>> least([1, 2, 3, 4, 5], lambda penalty: (penalty - 4.2) ** 2)
    4
    """
    at = len(candidates) // 2
    found = {at: error(candidates[at])}
    for step in (-1, 1):
        while 0 <= at + step < len(candidates):
            if at + step not in found:
                found[at + step] = error(candidates[at + step])
            if found[at + step] >= found[at]:
                break
            at += step
    return candidates[at]


def left_out(first: int, count: int, fold: int = 0) -> Tensor:
    """Which of the samples ``first .. first + count - 1`` a fold leaves out, bool ``[count]``."""
    return torch.arange(first, first + count) % FOLDS == fold


def ordered(features: Tensor, target: Tensor) -> Tensor:
    """Numbers of the samples ``[N]`` by class, then by the sum of the features, in whatever order they came.

    So each fold has its share of every class, and is the same on any number of processes.
    """
    by_sum = features.sum(1).argsort(stable=True)
    return by_sum[target[by_sum].argmax(1).argsort(stable=True)]


def by_samples(
    candidates: Sequence[float], features: Tensor, target: Tensor, *, standardise: Standardise
) -> float:
    """The penalty with the least squared error on folds that are left out, until `JUDGED` samples were.

    Args:
        candidates: Penalties, ascending.
        features: ``[N, D]``.
        target: ``[N, C]``, 1 for the class and 0 for the others.
        standardise: As in `solve_by_samples`.
    """
    if len(candidates) == 1 or len(features) < FOLDS:
        return candidates[-1]
    order = ordered(features, target)
    features, target = features[order], target[order]
    folds = min(FOLDS, -(-JUDGED * FOLDS // len(features)))
    parts = [left_out(0, len(features), fold).to(features.device) for fold in range(folds)]
    solvers = [solver_by_samples(features[~out], target[~out], standardise=standardise) for out in parts]

    def error(penalty: float) -> float:
        total = 0.0
        for out, solve in zip(parts, solvers, strict=True):
            weight, bias = solve(penalty)
            total += (target[out] - features[out] @ weight.t() - bias).square().sum().item()
        return total

    return least(candidates, error)


def by_products(
    candidates: Sequence[float], products: Tensor, size: int, *, standardise: Standardise
) -> float:
    """The same from sums: of the samples of the first fold, and of all others.

    Args:
        candidates: Penalties, ascending.
        products: Both ``[2, D + C, D + C]``; see `solve_by_products`.
        size: Features D.
        standardise: As in `solve_by_products`.
    """
    if len(candidates) == 1:
        return candidates[0]
    solve = solver_by_products(products[1], size, standardise=standardise)
    return least(candidates, lambda penalty: error_by_products(*solve(penalty), products[0], size).item())
