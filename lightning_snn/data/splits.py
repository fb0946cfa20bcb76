"""Splits and orders of a data set in which every class is as frequent as it should be."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def stratified(labels: Tensor, *, size: int, seed: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Draw ``size`` samples in which the classes are as frequent as in ``labels``, up to rounding.

    Args:
        labels: Classes ``[n]``, int64.
        size: How many to draw, 0 to n.
        seed: Of the draw; each number is 0 or above.

    Returns:
        Positions of the samples left ``[n - size]`` and of those drawn ``[size]``, each in random order.

    >>> labels = torch.tensor([0, 0, 0, 0, 1, 1])
    >>> left, drawn = stratified(labels, size=3, seed=(0,))
    >>> labels[left].bincount(), labels[drawn].bincount()
    (tensor([2, 1]), tensor([2, 1]))
    """
    generator = np.random.default_rng(seed)
    classes = labels.numpy()
    order = generator.permutation(len(classes))
    drawn = np.zeros(len(classes), dtype=bool)
    for label, count in enumerate(_shares(np.bincount(classes), size)):
        drawn[order[classes[order] == label][:count]] = True
    return torch.from_numpy(order[~drawn[order]]), torch.from_numpy(order[drawn[order]])


def in_turn(labels: Tensor) -> Tensor:
    """Positions ``[n]`` of all samples, the classes in turn, so that any first ones are balanced.

    Those of a class keep their order; a class that has no more is passed over.

    Args:
        labels: Classes ``[n]``, int64.

    >>> in_turn(torch.tensor([1, 1, 0, 1, 0]))
    tensor([2, 0, 4, 1, 3])
    """
    order = labels.argsort(stable=True)
    counts = labels.bincount()
    before = counts.cumsum(0) - counts
    turn = torch.empty_like(order)
    turn[order] = torch.arange(len(order)) - before[labels[order]]
    return (turn * len(counts) + labels).argsort()


def _shares(counts: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """``size`` divided in proportion to ``counts``, by largest remainders."""
    exact = size * counts / counts.sum()
    shares: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    rest = size - shares.sum()
    shares[np.argsort(shares - exact, kind="stable")[:rest]] += 1
    return shares
