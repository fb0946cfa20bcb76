"""Functions that generated kernels take for their CPU: exponentials, and what neurons send to each other."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN201

import numpy as np

from lightning_snn.ops.jit import add_rows, collect, jit

_F, _I = np.float32, np.int32


@jit
def exp(x):
    """Of float32 within 1 ulp, without a branch: a call of libm's would keep loops from being vectorised."""
    y = _F(-104) if x < _F(-104) else x
    y = _F(89) if y > _F(89) else y
    k = (y * _F(1.44269504) + _F(12582912)) - _F(12582912)
    r = (y - k * _F(0.693359375)) - k * _F(-2.12194440e-4)
    p = (_F(1.9875691500e-4) * r + _F(1.3981999507e-3)) * r + _F(8.3334519073e-3)
    p = ((p * r + _F(4.1665795894e-2)) * r + _F(1.6666665459e-1)) * r + _F(5.0000001201e-1)
    n = _I(k)
    m = n >> _I(1)
    first, second = _I((m + _I(127)) << _I(23)), _I((n - m + _I(127)) << _I(23))
    return (p * (r * r) + r + _F(1)) * first.view(_F) * second.view(_F)


@jit
def add(total, values):
    """Add values to a total."""
    for e in range(len(total)):
        total[e] += values[e]


@jit
def couple(row, sent, coupling, fired, total):
    """An input plus what the neurons that ``sent`` something send to each."""
    add_rows(coupling, sent, fired, collect(sent, fired), total)
    for e in range(len(row)):
        total[e] = row[e] + total[e]


@jit
def inhibit(row, sent, strength, fired, total):  # noqa: ARG001 - as `couple`
    """An input plus ``strength`` times what all others have ``sent``."""
    everything = row.dtype.type(0)
    for e in range(len(row)):
        everything += sent[e]
    for e in range(len(row)):
        total[e] = row[e] + strength * (everything - sent[e])
