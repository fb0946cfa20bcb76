"""Izhikevich populations over time, in Triton: one program a block of a sample's neurons."""
# ruff: noqa: ANN001, ANN202

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from lightning_snn.dynamics import surrogate as surrogates
from lightning_snn.dynamics.izhikevich import izhikevich_limits
from lightning_snn.ops import triton_tools as tools
from lightning_snn.ops.triton_tools import add_fired_rows, collect, grid_of, surrogate_derivative

BLOCK = 256
"""Neurons of a program."""


def scan(
    current: Tensor, v: Tensor, u: Tensor, factors: Tensor, dt: float, clip_peak: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Spikes ``[T, B, N]`` and the state after the last step."""
    current, factors = tools.rows(current), factors.contiguous()
    spikes = torch.empty(current.shape, dtype=v.dtype, device=v.device)
    end = (tools.owned(v), tools.owned(u))
    steps, batch, nodes = current.shape
    _scan[grid_of(nodes, BLOCK, batch)](
        current, current.stride(0), current.stride(1), *end, factors, factors.shape[1], spikes,
        steps, batch, nodes, dt, *izhikevich_limits(dt, clip_peak),
        PER_NEURON=factors.shape[1] > 1, BLOCK=BLOCK, enable_fp_fusion=False,
    )  # fmt: skip
    return spikes, *end


def scan_sheet(
    current: Tensor,
    v: Tensor,
    u: Tensor,
    spikes: Tensor,
    coupling: Tensor,
    factors: Tensor,
    dt: float,
    clip_peak: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """As `scan`, each neuron sending its row of ``coupling`` one step after a spike."""
    current, factors = tools.rows(current), factors.contiguous()
    found = torch.empty(current.shape, dtype=v.dtype, device=v.device)
    end = (tools.owned(v), tools.owned(u))
    steps, batch, nodes = current.shape
    fired = torch.empty(batch, nodes, dtype=torch.int32, device=v.device)
    _scan_sheet[(batch,)](
        current, current.stride(0), current.stride(1), *end, spikes.contiguous(), coupling.contiguous(),
        fired, factors, factors.shape[1], found, steps, batch, nodes, dt, *izhikevich_limits(dt, clip_peak),
        PER_NEURON=factors.shape[1] > 1, BLOCK=triton.next_power_of_2(nodes), num_warps=8,
        enable_fp_fusion=False,
    )  # fmt: skip
    return found, *end


def scan_backward(
    grad_spikes: Tensor,
    grad_v: Tensor | None,
    grad_u: Tensor | None,
    current: Tensor,
    v: Tensor,
    u: Tensor,
    factors: Tensor,
    dt: float,
    clip_peak: bool,
    surrogate: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the current ``[T, B, N]`` and of the state ``[B, N]``."""
    current, grad_spikes, factors = tools.rows(current), tools.rows(grad_spikes), factors.contiguous()
    grad_current = torch.empty(current.shape, dtype=v.dtype, device=v.device)
    grad_v, grad_u = tools.owned_gradient(grad_v, v), tools.owned_gradient(grad_u, u)
    steps, batch, nodes = current.shape
    segment = max(1, math.isqrt(steps))
    starts = v.new_empty(-(-steps // segment), 2, batch, nodes)
    kept = v.new_empty(segment, 2, batch, nodes)
    _scan_backward[grid_of(nodes, BLOCK, batch)](
        grad_spikes, grad_spikes.stride(0), grad_spikes.stride(1), grad_v, grad_u,
        current, current.stride(0), current.stride(1), v.contiguous(), u.contiguous(),
        factors, factors.shape[1], starts, kept, grad_current, steps, batch, nodes, segment, dt,
        *izhikevich_limits(dt, clip_peak), SURROGATE=surrogates.number(surrogate),
        PER_NEURON=factors.shape[1] > 1, BLOCK=BLOCK, enable_fp_fusion=False,
    )  # fmt: skip
    return grad_current, grad_v, grad_u


@triton.jit
def _half(x, u, i, dt, low, vertex, floor, top):
    """A half-step of v within its limits, and whether it was within them by itself."""
    raw = x + 0.5 * dt * (0.04 * x * x + 5.0 * x + 140.0 - u + i)
    limit = tl.where(x < low, vertex, top)
    end = tl.where(raw > limit, limit, raw)
    end = tl.where(end < floor, floor, end)
    return end, end == raw


@triton.jit
def _step(i, x, u, a, b, c, d, dt, low, vertex, floor, top):
    x, _free = _half(x, u, i, dt, low, vertex, floor, top)
    x, _free = _half(x, u, i, dt, low, vertex, floor, top)
    u = u + dt * a * (b * x - u)
    fired = x >= 30.0
    s = tl.where(fired, 1.0, 0.0).to(x.dtype)
    return s, tl.where(fired, c, x), tl.where(fired, u + d, u)


@triton.jit
def _factors(f, columns, n, mask, PER_NEURON: tl.constexpr):
    place = n if PER_NEURON else n * 0
    a = tl.load(f + place, mask=mask, other=0.0)
    b = tl.load(f + columns + place, mask=mask, other=0.0)
    c = tl.load(f + 2 * columns + place, mask=mask, other=0.0)
    d = tl.load(f + 3 * columns + place, mask=mask, other=0.0)
    return a, b, c, d


@triton.jit
def _scan(
    current, st, sb, v, recovery, f, columns, spikes, steps, batch, nodes, dt,
    low, vertex, floor, top, PER_NEURON: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    sample = tl.program_id(1).to(tl.int64)
    n = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = n < nodes
    a, b, c, d = _factors(f, columns, n, mask, PER_NEURON)
    own = sample * nodes + n
    x = tl.load(v + own, mask=mask, other=-65.0)
    u = tl.load(recovery + own, mask=mask, other=0.0)
    source, target = current + sample * sb + n, spikes + own
    for _ in range(steps):
        i = tl.load(source, mask=mask, other=0.0)
        s, x, u = _step(i, x, u, a, b, c, d, dt, low, vertex, floor, top)
        tl.store(target, s, mask=mask)
        source += st
        target += batch * nodes
    tl.store(v + own, x, mask=mask)
    tl.store(recovery + own, u, mask=mask)


@triton.jit
def _scan_sheet(
    current, st, sb, v, recovery, before, coupling, fired, f, columns, spikes, steps, batch, nodes, dt,
    low, vertex, floor, top, PER_NEURON: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    sample = tl.program_id(0).to(tl.int64)
    n = tl.arange(0, BLOCK)
    mask = n < nodes
    a, b, c, d = _factors(f, columns, n, mask, PER_NEURON)
    own = sample * nodes + n
    x = tl.load(v + own, mask=mask, other=-65.0)
    u = tl.load(recovery + own, mask=mask, other=0.0)
    s = tl.load(before + own, mask=mask, other=0.0)
    listed = fired + sample * nodes
    source, target, sent = current + sample * sb + n, spikes + sample * nodes, before + sample * nodes
    for _ in range(steps):
        count = collect(s, n, mask, listed)
        total = add_fired_rows(coupling, sent, listed, count, n, mask, nodes, x)
        i = tl.load(source, mask=mask, other=0.0) + total
        s, x, u = _step(i, x, u, a, b, c, d, dt, low, vertex, floor, top)
        tl.store(target + n, s, mask=mask)
        sent = target
        source += st
        target += batch * nodes
    tl.store(v + own, x, mask=mask)
    tl.store(recovery + own, u, mask=mask)


@triton.jit
def _scan_backward(
    grad, gt, gb, grad_v, grad_u, current, st, sb, v, recovery, f, columns, starts, kept, grad_current,
    steps, batch, nodes, segment, dt, low, vertex, floor, top, SURROGATE: tl.constexpr,
    PER_NEURON: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Forward once more to keep the state at each segment's start; then the segments, last first."""
    sample = tl.program_id(1).to(tl.int64)
    n = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = n < nodes
    a, b, c, d = _factors(f, columns, n, mask, PER_NEURON)
    own, size = sample * nodes + n, batch * nodes
    x = tl.load(v + own, mask=mask, other=-65.0)
    u = tl.load(recovery + own, mask=mask, other=0.0)
    row = current + sample * sb + n
    for t in range(steps):
        if t % segment == 0:
            place = starts + (t // segment) * 2 * size + own
            tl.store(place, x, mask=mask)
            tl.store(place + size, u, mask=mask)
        _s, x, u = _step(tl.load(row, mask=mask, other=0.0), x, u, a, b, c, d, dt, low, vertex, floor, top)
        row += st
    gv = tl.load(grad_v + own, mask=mask, other=0.0)
    gu = tl.load(grad_u + own, mask=mask, other=0.0)
    number = tl.cdiv(steps, segment)
    for backwards in range(number):
        part = number - 1 - backwards
        first = part * segment
        length = tl.minimum(segment, steps - first)
        place = starts + part * 2 * size + own
        tl.debug_barrier()
        x = tl.load(place, mask=mask, other=-65.0)
        u = tl.load(place + size, mask=mask, other=0.0)
        for t in range(length):
            tl.store(kept + t * 2 * size + own, x, mask=mask)
            tl.store(kept + (t * 2 + 1) * size + own, u, mask=mask)
            i = tl.load(current + (first + t).to(tl.int64) * st + sample * sb + n, mask=mask, other=0.0)
            _s, x, u = _step(i, x, u, a, b, c, d, dt, low, vertex, floor, top)
        tl.debug_barrier()
        for back in range(length):
            t = length - 1 - back
            x0 = tl.load(kept + t * 2 * size + own, mask=mask, other=-65.0)
            w = tl.load(kept + (t * 2 + 1) * size + own, mask=mask, other=0.0)
            i = tl.load(current + (first + t).to(tl.int64) * st + sample * sb + n, mask=mask, other=0.0)
            g = tl.load(grad + (first + t).to(tl.int64) * gt + sample * gb + n, mask=mask, other=0.0)
            x1, free1 = _half(x0, w, i, dt, low, vertex, floor, top)
            x2, free2 = _half(x1, w, i, dt, low, vertex, floor, top)
            near = surrogate_derivative((x2 - 30.0) / 30.0, SURROGATE)
            gx = tl.where(x2 >= 30.0, 0.0, gv) + g * near / 30.0 + gu * dt * a * b
            gw = gu * (1 - dt * a)
            gx = tl.where(free2, gx, 0.0)
            drive = 0.5 * dt * gx
            gx = gx * (1 + 0.5 * dt * (0.08 * x1 + 5.0))
            gx = tl.where(free1, gx, 0.0)
            drive += 0.5 * dt * gx
            gv = gx * (1 + 0.5 * dt * (0.08 * x0 + 5.0))
            gu = gw - drive
            tl.store(grad_current + (first + t).to(tl.int64) * size + own, drive, mask=mask)
    tl.store(grad_v + own, gv, mask=mask)
    tl.store(grad_u + own, gu, mask=mask)
