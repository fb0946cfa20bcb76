"""Batch normalisation in training, in numba: each thread has channels of its own.

Sums over samples are kept for each place, so that loops run over contiguous values and vectorise; they are
added up in float64. Values are taken relative to those of the first sample, so that a large mean costs no
digits.
"""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN202

import numpy as np
import torch
from torch import Tensor

from lightning_snn.ops import parallel
from lightning_snn.ops.jit import array, jit

BLOCK = 64
"""Samples that are added up in the number format of the values."""


def forward(values: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Normalised values, mean and variance."""
    values = values.detach().contiguous()
    found, mean, variance = torch.empty_like(values), torch.empty_like(weight), torch.empty_like(weight)
    arguments = [
        values.numpy(),
        array(weight),
        array(bias),
        eps,
        *(x.numpy() for x in (found, mean, variance)),
    ]
    parallel.split(len(weight), lambda first, last: _forward(*arguments, first, last))
    return found, mean, variance


def backward(
    grad: Tensor, values: Tensor, weight: Tensor, mean: Tensor, variance: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of values, weight and bias."""
    found = torch.empty_like(values, memory_format=torch.contiguous_format)
    of_weight, of_bias = torch.empty_like(weight), torch.empty_like(weight)
    arguments = [*(array(x) for x in (grad, values, weight, mean, variance)), eps]
    arguments += [x.numpy() for x in (found, of_weight, of_bias)]
    parallel.split(len(weight), lambda first, last: _backward(*arguments, first, last))
    return found, of_weight, of_bias


@jit
def _forward(values, weight, bias, eps, found, mean, variance, first, last):
    samples, _, places = values.shape
    rows, out = values.reshape(samples, -1), found.reshape(samples, -1)
    low, high = first * places, last * places
    start = rows[0, low:high]
    one, two = np.zeros(high - low, np.float64), np.zeros(high - low, np.float64)
    part, square = np.empty_like(start), np.empty_like(start)
    shift = np.empty_like(start)
    for c in range(last - first):
        shift[c * places : (c + 1) * places] = start[c * places]
    for begin in range(0, samples, BLOCK):
        part[:] = 0
        square[:] = 0
        for n in range(begin, min(begin + BLOCK, samples)):
            _moments(rows[n, low:high], shift, part, square)
        _add(one, part)
        _add(two, square)
    scale, offset = np.empty_like(start), np.empty_like(start)
    for c in range(last - first):
        own = slice(c * places, (c + 1) * places)
        middle = one[own].sum() / (samples * places)
        spread = max(0.0, two[own].sum() / (samples * places) - middle * middle)
        middle += shift[c * places]
        mean[first + c], variance[first + c] = middle, spread
        factor = weight[first + c] / np.sqrt(spread + eps)
        scale[own], offset[own], shift[own] = factor, bias[first + c], middle
    for n in range(samples):
        _apply(rows[n, low:high], shift, scale, offset, out[n, low:high])


@jit
def _backward(grad, values, weight, mean, variance, eps, found, of_weight, of_bias, first, last):
    samples, _, places = values.shape
    grads, rows, out = grad.reshape(samples, -1), values.reshape(samples, -1), found.reshape(samples, -1)
    low, high = first * places, last * places
    middle, part = np.empty(high - low, rows.dtype), np.empty(high - low, rows.dtype)
    product = np.empty_like(part)
    one, two = np.zeros(high - low, np.float64), np.zeros(high - low, np.float64)
    for c in range(last - first):
        middle[c * places : (c + 1) * places] = mean[first + c]
    for begin in range(0, samples, BLOCK):
        part[:] = 0
        product[:] = 0
        for n in range(begin, min(begin + BLOCK, samples)):
            _products(grads[n, low:high], rows[n, low:high], middle, part, product)
        _add(one, part)
        _add(two, product)
    factor, less, slope = np.empty_like(part), np.empty_like(part), np.empty_like(part)
    for c in range(last - first):
        own = slice(c * places, (c + 1) * places)
        total, along = one[own].sum(), two[own].sum()
        inverse = 1 / np.sqrt(variance[first + c] + eps)
        of_weight[first + c], of_bias[first + c] = along * inverse, total
        factor[own] = weight[first + c] * inverse
        less[own] = total / (samples * places)
        slope[own] = along * inverse * inverse / (samples * places)
    for n in range(samples):
        _return(grads[n, low:high], rows[n, low:high], middle, factor, less, slope, out[n, low:high])


@jit
def _moments(row, shift, part, square):
    for e in range(len(row)):
        x = row[e] - shift[e]
        part[e] += x
        square[e] += x * x


@jit
def _products(grad, row, middle, part, product):
    for e in range(len(row)):
        part[e] += grad[e]
        product[e] += grad[e] * (row[e] - middle[e])


@jit
def _apply(row, shift, scale, offset, out):
    for e in range(len(row)):
        out[e] = (row[e] - shift[e]) * scale[e] + offset[e]


@jit
def _return(grad, row, middle, factor, less, slope, out):
    for e in range(len(row)):
        out[e] = factor[e] * (grad[e] - less[e] - (row[e] - middle[e]) * slope[e])


@jit
def _add(total, part):
    for e in range(len(total)):
        total[e] += part[e]
