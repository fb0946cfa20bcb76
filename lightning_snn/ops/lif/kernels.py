"""Numba kernels of leaky integrate-and-fire populations: the arithmetic of `lif_advance`, block by block."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN201, ANN202

import numpy as np

from lightning_snn.ops.jit import add_rows, collect, jit, part, pick, surrogate_derivative


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
def scan(current, st, sb, v, clock, adaptation, f, soft, block, spikes, first, last):
    """Blocks ``first .. last - 1`` of the samples' neurons."""
    steps, _, nodes = spikes.shape
    per_row = (nodes + block - 1) // block
    for item in range(first, last):
        b = item // per_row
        low = (item % per_row) * block
        high = min(low + block, nodes)
        decay, rest, v_reset = part(f.decay, low, high), part(f.v_rest, low, high), part(f.v_reset, low, high)
        base, gain = part(f.threshold, low, high), part(f.resistance, low, high)
        pause, jump = part(f.refractory_steps, low, high), part(f.adaptation, low, high)
        fade = part(f.adaptation_decay, low, high)
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
def scan_sheet(current, st, sb, v, clock, adaptation, f, soft, before, coupling, spikes, first, last):
    """Samples ``first .. last - 1``, each a sheet of coupled neurons."""
    steps, _, nodes = spikes.shape
    total, fired = np.empty(nodes, v.dtype), np.empty(nodes, np.int64)
    decay, rest, v_reset, base, gain = f.decay, f.v_rest, f.v_reset, f.threshold, f.resistance
    pause, jump, fade = f.refractory_steps, f.adaptation, f.adaptation_decay
    for b in range(first, last):
        x, k, a = v[b], clock[b], adaptation[b]
        sent = before[b]
        count = collect(sent, fired)
        for t in range(steps):
            start = t * st + b * sb
            add_rows(coupling, sent, fired, count, total)
            row, out = current[start : start + nodes], spikes[t, b]
            for i in range(nodes):
                total[i] = row[i] + total[i]
            _full_step(total, x, k, a, out, decay, rest, v_reset, base, gain, soft)
            _recover(k, a, out, pause, jump, fade)
            sent = out
            count = collect(sent, fired)


@jit
def scan_backward(
    grad, gt, gb, grad_v, grad_a, current, st, sb, v, clock, adaptation, f, soft, surrogate, rises, block,
    grad_current, first, last,
):  # fmt: skip
    """As `scan`, forward to keep the distances to threshold, then backward."""
    steps, _, nodes = grad_current.shape
    per_row = (nodes + block - 1) // block
    kept = np.ones((2, steps, block), v.dtype)
    state = np.empty((5, block), v.dtype)
    for item in range(first, last):
        b = item // per_row
        low = (item % per_row) * block
        high = min(low + block, nodes)
        size = high - low
        decay, rest, v_reset = part(f.decay, low, high), part(f.v_rest, low, high), part(f.v_reset, low, high)
        base, gain = part(f.threshold, low, high), part(f.resistance, low, high)
        pause, jump = part(f.refractory_steps, low, high), part(f.adaptation, low, high)
        fade = part(f.adaptation_decay, low, high)
        x, k, a = state[0, :size], state[1, :size], state[2, :size]
        spare, near = state[3, :size], state[4, :size]
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
            surrogate_derivative(over, near, surrogate)
            if rises:
                _back_threshold(g, over, free, near, gv, ga, base, fade, soft)
            if clock is None:
                _back(g, over, near, gv, out, decay, base, gain, soft)
            else:
                _full_back(g, over, free, near, gv, out, decay, base, gain, soft)


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
def _back(g, over, near, gv, out, decay, base, gain, soft):
    zero = gv.dtype.type(0)
    for i in range(len(gv)):
        lowered = gv[i] if (over[i] >= zero) & (not soft) else zero
        gu = g[i] * near[i] / pick(base, i) + (gv[i] - lowered)
        gv[i] = gu * pick(decay, i)
        out[i] = pick(gain, i) * (gu - gv[i])


@jit
def _full_back(g, over, free, near, gv, out, decay, base, gain, soft):
    zero = gv.dtype.type(0)
    for i in range(len(gv)):
        lowered = gv[i] if (over[i] >= zero) & (free[i] > zero) & (not soft) else zero
        gu = g[i] * free[i] * near[i] / pick(base, i) + (gv[i] - lowered)
        gv[i] = gu * pick(decay, i) if free[i] > zero else gu
        out[i] = pick(gain, i) * (gu - gv[i])


@jit
def _back_threshold(g, over, free, near, gv, ga, base, fade, soft):
    """The gradient of the threshold's rise; before `_back`, which changes ``gv``."""
    zero = gv.dtype.type(0)
    for i in range(len(gv)):
        lowered = gv[i] if (over[i] >= zero) & (free[i] > zero) & soft else zero
        ga[i] = ga[i] * pick(fade, i) - g[i] * free[i] * near[i] / pick(base, i) - lowered
