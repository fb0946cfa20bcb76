"""Leaky integrate-and-fire populations over time, in numba: the reference's bits, block by block.

A block is a part of one sample's neurons: its state stays in the cache while time runs, and the backward
pass recomputes its potentials there, so that the forward pass keeps nothing but its input.
"""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN202

import numpy as np
from torch import Tensor

from lightning_snn.ops import parallel
from lightning_snn.ops.jit import array, jit, part, pick, rows, strided, table

BLOCK = 2**13
"""Most neurons in a block: the longer, the better memory streams."""
SCRATCH = 2**19
"""Bytes that a block's recomputed potentials may take: half of a core's second-level cache."""
SURROGATES = ("atan", "fast_sigmoid", "triangle")


def scan(
    current: Tensor, v: Tensor, clock: Tensor, adaptation: Tensor, factors: Tensor, reset: str
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Spikes ``[T, B, N]`` and the state after the last step."""
    spikes = current.new_empty(current.shape)
    end = (v.clone(), clock.clone(), adaptation.clone())
    current, out = rows(current, factors), rows(spikes, factors)
    _, batch, nodes = out.shape
    block = min(BLOCK, nodes)
    arguments = (
        *strided(current), *_state(*end, factors), table(factors), reset == "soft", block, out.numpy()
    )  # fmt: skip
    parallel.split(batch * -(-nodes // block), lambda first, last: _scan(*arguments, first, last))
    return spikes, *end


def scan_backward(
    grad_spikes: Tensor,
    grad_v: Tensor,
    grad_adaptation: Tensor,
    current: Tensor,
    v: Tensor,
    clock: Tensor,
    adaptation: Tensor,
    factors: Tensor,
    reset: str,
    surrogate: str,
    rises: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the current ``[T, B, N]``, the potential and, if it ``rises``, the threshold ``[B, N]``."""
    grad_current = current.new_empty(current.shape)
    grad_v, grad_adaptation = grad_v.clone(), grad_adaptation.clone()
    current, grad_spikes, out = (rows(x, factors) for x in (current, grad_spikes, grad_current))
    steps, batch, nodes = out.shape
    block = min(max(16, SCRATCH // (steps * current.element_size())), BLOCK, nodes)
    arguments = (
        *strided(grad_spikes), *_as_rows(batch, grad_v, grad_adaptation), *strided(current),
        *_state(v, clock, adaptation, factors), table(factors), reset == "soft", SURROGATES.index(surrogate),
        rises, block, out.numpy(),
    )  # fmt: skip
    parallel.split(batch * -(-nodes // block), lambda first, last: _scan_backward(*arguments, first, last))
    return grad_current, grad_v, grad_adaptation


def _state(v: Tensor, clock: Tensor, adaptation: Tensor, factors: Tensor):
    """The state as arrays; without clock and adaptation where no neuron is or becomes refractory or adapted."""
    batch = len(v) if factors.shape[1] > 1 else 1
    if factors[5:7].any() or clock.any() or adaptation.any():
        return _as_rows(batch, v, clock, adaptation)
    return *_as_rows(batch, v), None, None


def _as_rows(batch: int, *values: Tensor):
    return tuple(array(value).reshape(batch, -1) for value in values)


@jit
def _step(row, x, out, decay, rest, v_reset, base, gain, soft):
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for i in range(len(x)):
        v_inf = pick(rest, i) + pick(gain, i) * row[i]
        u = v_inf + (x[i] - v_inf) * pick(decay, i)
        fired = u >= pick(base, i)
        after = u - pick(base, i) if soft else pick(v_reset, i)
        x[i] = after if fired else u
        out[i] = one if fired else zero


@jit
def _full_step(row, x, k, a, out, decay, rest, v_reset, base, gain, soft):
    """As `_step` with clocks and thresholds, which `_recover` moves on."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for i in range(len(x)):
        v_inf = pick(rest, i) + pick(gain, i) * row[i]
        free = k[i] <= zero
        u = v_inf + (x[i] - v_inf) * pick(decay, i) if free else x[i]
        threshold = pick(base, i) + a[i]
        fired = free & (u >= threshold)
        after = u - threshold if soft else pick(v_reset, i)
        x[i] = after if fired else u
        out[i] = one if fired else zero


@jit
def _recover(k, a, out, pause, jump, fade):
    zero, one = a.dtype.type(0), a.dtype.type(1)
    for i in range(len(k)):
        s = out[i]
        left = k[i] - one
        left = left if left > zero else zero
        k[i] = pick(pause, i) if s > zero else left
        a[i] = a[i] * pick(fade, i) + pick(jump, i) * s


@jit
def _scan(current, st, sb, v, clock, adaptation, f, soft, block, spikes, first, last):
    steps, _, nodes = spikes.shape
    per_row = (nodes + block - 1) // block
    for item in range(first, last):
        b = item // per_row
        low = (item % per_row) * block
        high = min(low + block, nodes)
        decay, rest, v_reset = part(f[0], low, high), part(f[1], low, high), part(f[2], low, high)
        base, gain, pause = part(f[3], low, high), part(f[4], low, high), part(f[5], low, high)
        jump, fade = part(f[6], low, high), part(f[7], low, high)
        x = v[b, low:high]
        for t in range(steps):
            start = t * st + b * sb
            row, out = current[start + low : start + high], spikes[t, b, low:high]
            if clock is None:
                _step(row, x, out, decay, rest, v_reset, base, gain, soft)
            else:
                k, a = clock[b, low:high], adaptation[b, low:high]
                _full_step(row, x, k, a, out, decay, rest, v_reset, base, gain, soft)
                _recover(k, a, out, pause, jump, fade)


@jit
def _scan_backward(
    grad, gt, gb, grad_v, grad_a, current, st, sb, v, clock, adaptation, f, soft, surrogate, rises, block,
    grad_current, first, last,
):  # fmt: skip
    steps, _, nodes = grad_current.shape
    per_row = (nodes + block - 1) // block
    kept = np.ones((2, steps, block), v.dtype)
    state = np.empty((5, block), v.dtype)
    for item in range(first, last):
        b = item // per_row
        low = (item % per_row) * block
        high = min(low + block, nodes)
        size = high - low
        decay, rest, v_reset = part(f[0], low, high), part(f[1], low, high), part(f[2], low, high)
        base, gain, pause = part(f[3], low, high), part(f[4], low, high), part(f[5], low, high)
        jump, fade = part(f[6], low, high), part(f[7], low, high)
        x, k, a = state[0, :size], state[1, :size], state[2, :size]
        spare, bump = state[3, :size], state[4, :size]
        x[:] = v[b, low:high]
        if clock is not None:
            k[:] = clock[b, low:high]
            a[:] = adaptation[b, low:high]
        for t in range(steps):
            start = t * st + b * sb
            row, over, free = current[start + low : start + high], kept[0, t, :size], kept[1, t, :size]
            if clock is None:
                _step_again(row, x, over, decay, rest, v_reset, base, gain, soft)
            else:
                _full_distance(row, x, k, a, over, free, decay, rest, base, gain)
                _full_step(row, x, k, a, spare, decay, rest, v_reset, base, gain, soft)
                _recover(k, a, spare, pause, jump, fade)
        gv, ga = grad_v[b, low:high], grad_a[b, low:high]
        for t in range(steps - 1, -1, -1):
            start = t * gt + b * gb
            g, out = grad[start + low : start + high], grad_current[t, b, low:high]
            over, free = kept[0, t, :size], kept[1, t, :size]
            _surrogate(over, bump, surrogate)
            if rises:
                _back_threshold(g, over, free, bump, gv, ga, base, fade, soft)
            if clock is None:
                _back(g, over, bump, gv, out, decay, base, gain, soft)
            else:
                _full_back(g, over, free, bump, gv, out, decay, base, gain, soft)


@jit
def _step_again(row, x, over, decay, rest, v_reset, base, gain, soft):
    """As `_step`, keeping the distance to threshold before the reset, in units of the threshold."""
    for i in range(len(x)):
        v_inf = pick(rest, i) + pick(gain, i) * row[i]
        u = v_inf + (x[i] - v_inf) * pick(decay, i)
        after = u - pick(base, i) if soft else pick(v_reset, i)
        x[i] = after if u >= pick(base, i) else u
        over[i] = (u - pick(base, i)) / pick(base, i)


@jit
def _full_distance(row, x, k, a, over, free, decay, rest, base, gain):
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for i in range(len(x)):
        v_inf = pick(rest, i) + pick(gain, i) * row[i]
        u = v_inf + (x[i] - v_inf) * pick(decay, i) if k[i] <= zero else x[i]
        over[i] = (u - (pick(base, i) + a[i])) / pick(base, i)
        free[i] = one if k[i] <= zero else zero


@jit
def _surrogate(over, bump, surrogate):
    zero, one, ten, pi = over.dtype.type(0), over.dtype.type(1), over.dtype.type(10), over.dtype.type(np.pi)
    if surrogate == 0:
        for i in range(len(over)):
            scaled = pi * over[i]
            bump[i] = one / (one + scaled * scaled)
    elif surrogate == 1:
        for i in range(len(over)):
            scaled = one + ten * abs(over[i])
            bump[i] = one / (scaled * scaled)
    else:
        for i in range(len(over)):
            bump[i] = max(one - abs(over[i]), zero)


@jit
def _back(g, over, bump, gv, out, decay, base, gain, soft):
    zero = gv.dtype.type(0)
    for i in range(len(gv)):
        lowered = gv[i] if (over[i] >= zero) & (not soft) else zero
        gu = g[i] * bump[i] / pick(base, i) + (gv[i] - lowered)
        gv[i] = gu * pick(decay, i)
        out[i] = pick(gain, i) * (gu - gv[i])


@jit
def _full_back(g, over, free, bump, gv, out, decay, base, gain, soft):
    zero = gv.dtype.type(0)
    for i in range(len(gv)):
        lowered = gv[i] if (over[i] >= zero) & (free[i] > zero) & (not soft) else zero
        gu = g[i] * free[i] * bump[i] / pick(base, i) + (gv[i] - lowered)
        gv[i] = gu * pick(decay, i) if free[i] > zero else gu
        out[i] = pick(gain, i) * (gu - gv[i])


@jit
def _back_threshold(g, over, free, bump, gv, ga, base, fade, soft):
    """The gradient of the threshold's rise; before `_back`, which changes ``gv``."""
    zero = gv.dtype.type(0)
    for i in range(len(gv)):
        lowered = gv[i] if (over[i] >= zero) & (free[i] > zero) & soft else zero
        ga[i] = ga[i] * pick(fade, i) - g[i] * free[i] * bump[i] / pick(base, i) - lowered
