"""Leaky integrate-and-fire populations over time, in numba: the reference's bits, block by block.

A block is a part of one sample's neurons: its state stays in the cache while time runs, and the backward
pass recomputes its potentials there, so that the forward pass keeps nothing but its input.
"""

from typing import Any

from torch import Tensor

from lightning_snn.ops import parallel
from lightning_snn.ops.jit import array, jit, strided

SCRATCH = 2**17
"""Bytes that a block's recomputed potentials may take: less than a core's second-level cache."""
SURROGATES = ("atan", "fast_sigmoid", "triangle")


def scan(
    current: Tensor, v: Tensor, clock: Tensor, adaptation: Tensor, factors: Tensor, reset: str
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Spikes ``[T, B, N]`` and the state after the last step."""
    spikes = current.new_empty(current.shape)
    v, clock, adaptation = v.clone(), clock.clone(), adaptation.clone()
    simple = _is_simple(clock, adaptation, factors)
    grid, block, table = _blocks(current, factors, 1024)
    inputs = strided(current)
    state = (array(v), None if simple else array(clock), None if simple else array(adaptation))

    def part(first: int, last: int) -> None:
        _scan(*inputs, *state, table, reset == "soft", first, last, block, spikes.numpy())

    parallel.split(grid, part)
    return spikes, v, clock, adaptation


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
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the current ``[T, B, N]``, the potential and the adaptation ``[B, N]``."""
    grad_current = current.new_empty(current.shape)
    grad_v, grad_adaptation = grad_v.clone(), grad_adaptation.clone()
    simple = _is_simple(clock, adaptation, factors)
    steps = current.shape[0]
    grid, block, table = _blocks(current, factors, max(16, SCRATCH // (steps * current.element_size())))
    inputs, grads = strided(current), strided(grad_spikes)
    state = (array(v), None if simple else array(clock), None if simple else array(adaptation))
    ends = (array(grad_v), array(grad_adaptation))

    def part(first: int, last: int) -> None:
        scratch = current.new_empty(1 if simple else 3, steps, block).numpy()
        _scan_backward(
            *grads, *ends, *inputs, *state, table, reset == "soft", SURROGATES.index(surrogate),
            first, last, block, scratch, grad_current.numpy(),
        )  # fmt: skip

    parallel.split(grid, part)
    return grad_current, grad_v, grad_adaptation


def _is_simple(clock: Tensor, adaptation: Tensor, factors: Tensor) -> bool:
    """Whether no neuron is or becomes refractory or adapted."""
    return not (factors[5:7].any() or clock.any() or adaptation.any())


def _blocks(current: Tensor, factors: Tensor, most: int) -> tuple[int, int, Any]:
    """Number of blocks, neurons in one, and factors ``[8, N]``, or ``[8, block]`` if they do not differ."""
    _, batch, nodes = current.shape
    block = min(most, nodes)
    table = factors if factors.shape[1] == nodes else factors.expand(-1, block)
    return batch * -(-nodes // block), block, array(table.to(current.dtype))


@jit
def _scan(current, st, sb, v, clock, adaptation, factors, soft, first, last, block, spikes):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    steps, _, nodes = spikes.shape
    per_row = (nodes + block - 1) // block
    zero, one = v.dtype.type(0), v.dtype.type(1)
    for item in range(first, last):
        b = item // per_row
        low = (item % per_row) * block
        size = min(block, nodes - low)
        f = factors[:, low : low + size] if factors.shape[1] == nodes else factors[:, :size]
        decay, rest, v_reset, base, resistance = f[0], f[1], f[2], f[3], f[4]
        x = v[b, low : low + size]
        for t in range(steps):
            start = t * st + b * sb + low
            row = current[start : start + size]
            out = spikes[t, b, low : low + size]
            if clock is None:
                for i in range(size):
                    v_inf = rest[i] + resistance[i] * row[i]
                    u = v_inf + (x[i] - v_inf) * decay[i]
                    fired = u >= base[i]
                    after = u - base[i] if soft else v_reset[i]
                    x[i] = after if fired else u
                    out[i] = one if fired else zero
            else:
                k, a = clock[b, low : low + size], adaptation[b, low : low + size]
                for i in range(size):
                    v_inf = rest[i] + resistance[i] * row[i]
                    free = k[i] <= 0
                    u = v_inf + (x[i] - v_inf) * decay[i] if free else x[i]
                    threshold = base[i] + a[i]
                    fired = free and u >= threshold
                    s = one if fired else zero
                    after = u - threshold if soft else v_reset[i]
                    x[i] = after if fired else u
                    k[i] = f[5, i] if fired else max(k[i] - one, zero)
                    a[i] = a[i] * f[7, i] + f[6, i] * s
                    out[i] = s


@jit
def _scan_backward(  # type: ignore[no-untyped-def] # noqa: ANN202
    grad, gt, gb, grad_v, grad_a, current, st, sb, v, clock, adaptation, factors, soft, surrogate,  # noqa: ANN001
    first, last, block, scratch, grad_current,  # noqa: ANN001
):  # fmt: skip
    steps, _, nodes = grad_current.shape
    per_row = (nodes + block - 1) // block
    f_type = v.dtype.type
    zero, one, ten, pi = f_type(0), f_type(1), f_type(10), f_type(3.141592653589793)
    bump = scratch[0, 0].copy()
    for item in range(first, last):
        b = item // per_row
        low = (item % per_row) * block
        size = min(block, nodes - low)
        f = factors[:, low : low + size] if factors.shape[1] == nodes else factors[:, :size]
        decay, rest, v_reset, base, resistance = f[0], f[1], f[2], f[3], f[4]

        # forward once more: scratch holds (v - threshold) / base before the reset, refractoriness, threshold
        x = v[b, low : low + size].copy()
        if clock is not None:
            k, a = clock[b, low : low + size].copy(), adaptation[b, low : low + size].copy()
        for t in range(steps):
            start = t * st + b * sb + low
            row = current[start : start + size]
            over = scratch[0, t]
            if clock is None:
                for i in range(size):
                    v_inf = rest[i] + resistance[i] * row[i]
                    u = v_inf + (x[i] - v_inf) * decay[i]
                    over[i] = (u - base[i]) / base[i]
                    after = u - base[i] if soft else v_reset[i]
                    x[i] = after if u >= base[i] else u
            else:
                for i in range(size):
                    v_inf = rest[i] + resistance[i] * row[i]
                    free = k[i] <= 0
                    u = v_inf + (x[i] - v_inf) * decay[i] if free else x[i]
                    threshold = base[i] + a[i]
                    fired = free and u >= threshold
                    s = one if fired else zero
                    over[i] = (u - threshold) / base[i]
                    scratch[1, t, i] = one if free else zero
                    scratch[2, t, i] = s
                    after = u - threshold if soft else v_reset[i]
                    x[i] = after if fired else u
                    k[i] = f[5, i] if fired else max(k[i] - one, zero)
                    a[i] = a[i] * f[7, i] + f[6, i] * s

        gv, ga = grad_v[b, low : low + size], grad_a[b, low : low + size]
        for t in range(steps - 1, -1, -1):
            start = t * gt + b * gb + low
            g = grad[start : start + size]
            over = scratch[0, t]
            out = grad_current[t, b, low : low + size]
            if surrogate == 0:
                for i in range(size):
                    scaled = pi * over[i]
                    bump[i] = one / (one + scaled * scaled)
            elif surrogate == 1:
                for i in range(size):
                    scaled = one + ten * abs(over[i])
                    bump[i] = one / (scaled * scaled)
            else:
                for i in range(size):
                    bump[i] = max(one - abs(over[i]), zero)
            if clock is None:
                for i in range(size):
                    gx = g[i] * bump[i] / base[i]
                    fired = over[i] >= 0
                    kept = gv[i] if soft or not fired else zero
                    lowered = gv[i] if soft and fired else zero
                    ga[i] = ga[i] * f[7, i] - gx - lowered
                    gu = gx + kept
                    gv[i] = gu * decay[i]
                    out[i] = resistance[i] * (gu - gv[i])
            else:
                for i in range(size):
                    free, s = scratch[1, t, i], scratch[2, t, i]
                    gx = g[i] * free * bump[i] / base[i]
                    kept = gv[i] if soft else gv[i] * (one - s)
                    gu = gx + kept
                    lowered = s * gv[i] if soft else zero
                    ga[i] = ga[i] * f[7, i] - gx - lowered
                    gv[i] = gu * decay[i] if free > 0 else gu
                    out[i] = resistance[i] * (gu - gv[i])
