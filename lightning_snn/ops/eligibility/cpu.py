"""Eligibility vectors over some steps, in numba: the reference's numbers up to rounding."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN202

import numpy as np
from torch import Tensor

from lightning_snn.ops import parallel
from lightning_snn.ops.jit import array, jit


def eligibility(vectors: Tensor, gradient: Tensor, *given: Tensor) -> None:
    """See `lightning_snn.ops.eligibility`."""
    arguments = (vectors.numpy(), gradient.numpy(), *(array(x) for x in given))
    units = vectors.shape[1] * vectors.shape[2]
    parallel.split(units, lambda first, last: _eligibility(*arguments, first, last))


@jit
def _eligibility(vectors, gradient, step, into, sends, direct, signal, arrived, first, last):
    variables, _, per_place, samples, synapses = vectors.shape
    after = np.empty((variables, synapses), vectors.dtype)
    for unit in range(first, last):
        p, k = unit // per_place, unit % per_place
        total = gradient[p, k]
        for b in range(samples):
            for t in range(len(arrived)):
                x, learns = arrived[t, p, b], signal[t, p, k, b]
                if variables == 2:
                    one, two, s, c = (
                        vectors[0, p, k, b],
                        vectors[1, p, k, b],
                        step[:, :, t, p, k, b],
                        into[:, t, p, k, b],
                    )
                    _learn_by_two(
                        total, learns * direct[t, p, k, b], learns * sends[0, t, p, k, b],
                        learns * sends[1, t, p, k, b], x, one, two,
                    )  # fmt: skip
                    _move_two(one, two, s[0, 0], s[0, 1], s[1, 0], s[1, 1], c[0], c[1], x)
                    continue
                _add(total, learns * direct[t, p, k, b], x)
                for v in range(variables):
                    _add(total, learns * sends[v, t, p, k, b], vectors[v, p, k, b])
                    _put(after[v], into[v, t, p, k, b], x)
                    for u in range(variables):
                        _add(after[v], step[v, u, t, p, k, b], vectors[u, p, k, b])
                for v in range(variables):
                    vectors[v, p, k, b] = after[v]


@jit
def _learn_by_two(total, direct, first, second, x, one, two):
    for i in range(len(total)):
        total[i] += direct * x[i] + first * one[i] + second * two[i]


@jit
def _move_two(one, two, a, b, c, d, first, second, x):
    for i in range(len(x)):
        left, right, new = one[i], two[i], x[i]
        one[i] = a * left + b * right + first * new
        two[i] = c * left + d * right + second * new


@jit
def _put(total, factor, values):
    for i in range(len(total)):
        total[i] = factor * values[i]


@jit
def _add(total, factor, values):
    if factor != 0:
        for i in range(len(total)):
            total[i] += factor * values[i]
