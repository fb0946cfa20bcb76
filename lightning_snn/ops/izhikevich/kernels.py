"""Numba kernels of Izhikevich populations: the arithmetic of `izhikevich_step`, block by block."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN201, ANN202

import numpy as np

from lightning_snn.dynamics.izhikevich import OFFSET, PEAK, RATE, SLOPE, SURROGATE_SCALE
from lightning_snn.ops.jit import add_rows, collect, jit, part, pick, surrogate_derivative


@jit
def _of_block(f, low, high):
    """The factors of the neurons ``low .. high - 1``."""
    a, b, c, d = f
    return part(a, low, high), part(b, low, high), part(c, low, high), part(d, low, high)


@jit
def _limited(before, after, limits):
    """Where a half-step from ``before`` ends; the limits are those of `izhikevich_limits`."""
    low, vertex, floor, top = limits
    limit = vertex if before < low else top
    after = limit if after > limit else after
    return floor if after < floor else after


@jit
def _step(row, v, u, out, a, b, c, d, dt, limits):
    f = v.dtype.type
    rate, slope, offset, peak, half, whole = f(RATE), f(SLOPE), f(OFFSET), f(PEAK), f(0.5 * dt), f(dt)
    zero, one = f(0), f(1)
    for i in range(len(v)):
        x, w = v[i], u[i]
        x = _limited(x, x + half * (rate * x * x + slope * x + offset - w + row[i]), limits)
        x = _limited(x, x + half * (rate * x * x + slope * x + offset - w + row[i]), limits)
        w = w + whole * pick(a, i) * (pick(b, i) * x - w)
        fired = x >= peak
        v[i] = pick(c, i) if fired else x
        u[i] = w + pick(d, i) if fired else w
        out[i] = one if fired else zero


@jit
def scan(current, st, sb, v, u, f, dt, limits, block, spikes, first, last):
    """Blocks ``first .. last - 1`` of the samples' neurons."""
    steps, _, nodes = spikes.shape
    per_row = (nodes + block - 1) // block
    for item in range(first, last):
        s = item // per_row
        low = (item % per_row) * block
        high = min(low + block, nodes)
        a, b, c, d = _of_block(f, low, high)
        x, w = v[s, low:high], u[s, low:high]
        for t in range(steps):
            start = t * st + s * sb
            _step(current[start + low : start + high], x, w, spikes[t, s, low:high], a, b, c, d, dt, limits)


@jit
def scan_sheet(current, st, sb, v, u, f, dt, limits, before, coupling, spikes, first, last):
    """Samples ``first .. last - 1``, each a sheet of coupled neurons."""
    steps, _, nodes = spikes.shape
    a, b, c, d = f
    total, fired = np.empty(nodes, v.dtype), np.empty(nodes, np.int64)
    for s in range(first, last):
        sent = before[s]
        count = collect(sent, fired)
        for t in range(steps):
            start = t * st + s * sb
            add_rows(coupling, sent, fired, count, total)
            row, out = current[start : start + nodes], spikes[t, s]
            for i in range(nodes):
                total[i] = row[i] + total[i]
            _step(total, v[s], u[s], out, a, b, c, d, dt, limits)
            sent = out
            count = collect(sent, fired)


@jit
def scan_backward(
    grad, gt, gb, grad_v, grad_u, current, st, sb, v, u, f, dt, limits, surrogate, block, grad_current,
    first, last,
):  # fmt: skip
    """As `scan`, forward to keep each step's first state, then backward."""
    steps, _, nodes = grad_current.shape
    per_row = (nodes + block - 1) // block
    kept = np.empty((2, steps, block), v.dtype)
    spare = np.empty((4, block), v.dtype)
    for item in range(first, last):
        s = item // per_row
        low = (item % per_row) * block
        high = min(low + block, nodes)
        size = high - low
        a, b, c, d = _of_block(f, low, high)
        x, w = spare[0, :size], spare[1, :size]
        x[:] = v[s, low:high]
        w[:] = u[s, low:high]
        for t in range(steps):
            kept[0, t, :size] = x
            kept[1, t, :size] = w
            start = t * st + s * sb
            _step(current[start + low : start + high], x, w, spare[2, :size], a, b, c, d, dt, limits)
        gv, gu = grad_v[s, low:high], grad_u[s, low:high]
        for q in range(steps):
            t = steps - 1 - q
            row = current[t * st + s * sb + low : t * st + s * sb + high]
            g = grad[t * gt + s * gb + low : t * gt + s * gb + high]
            over, near = spare[2, :size], spare[3, :size]
            _over(row, kept[0, t, :size], kept[1, t, :size], over, dt, limits)
            surrogate_derivative(over, near, surrogate)
            _back(
                g, row, kept[0, t, :size], kept[1, t, :size], near, gv, gu, grad_current[t, s, low:high],
                a, b, dt, limits,
            )  # fmt: skip


@jit
def _over(row, v, u, over, dt, limits):
    """Distance to the peak after the two half-steps, in units of the surrogate's scale."""
    f = v.dtype.type
    rate, slope, offset, peak, half, scale = (
        f(RATE), f(SLOPE), f(OFFSET), f(PEAK), f(0.5 * dt), f(SURROGATE_SCALE)
    )  # fmt: skip
    for i in range(len(v)):
        x = v[i]
        x = _limited(x, x + half * (rate * x * x + slope * x + offset - u[i] + row[i]), limits)
        x = _limited(x, x + half * (rate * x * x + slope * x + offset - u[i] + row[i]), limits)
        over[i] = (x - peak) / scale


@jit
def _back(g, row, v, u, near, gv, gu, out, a, b, dt, limits):
    f = v.dtype.type
    rate, slope, offset, peak, half, whole = f(RATE), f(SLOPE), f(OFFSET), f(PEAK), f(0.5 * dt), f(dt)
    zero, one, two, scale = f(0), f(1), f(2), f(SURROGATE_SCALE)
    for i in range(len(v)):
        before, w = v[i], u[i]
        raw_middle = before + half * (rate * before * before + slope * before + offset - w + row[i])
        middle = _limited(before, raw_middle, limits)
        raw_end = middle + half * (rate * middle * middle + slope * middle + offset - w + row[i])
        end = _limited(middle, raw_end, limits)
        step = whole * pick(a, i)
        gx = (zero if end >= peak else gv[i]) + g[i] * near[i] / scale + gu[i] * step * pick(b, i)
        gw = gu[i] * (one - step)
        gx = gx if end == raw_end else zero
        drive = half * gx
        gx = gx * (one + half * (two * rate * middle + slope))
        gx = gx if middle == raw_middle else zero
        drive = drive + half * gx
        gv[i] = gx * (one + half * (two * rate * before + slope))
        gu[i] = gw - drive
        out[i] = drive
