"""Leaky integrate-and-fire populations over time, in Triton: one program a block of a sample's neurons."""
# ruff: noqa: ANN001, ANN202

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from lightning_snn.dynamics import surrogate as surrogates
from lightning_snn.ops import triton_tools as tools
from lightning_snn.ops.triton_tools import add_fired_rows, collect, grid_of, surrogate_derivative

BLOCK = 256
"""Neurons of a program."""


def scan(
    current: Tensor, v: Tensor, clock: Tensor, adaptation: Tensor, factors: Tensor, reset: str
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Spikes ``[T, B, N]`` and the state after the last step."""
    current, factors = tools.rows(current), factors.contiguous()
    spikes = torch.empty(current.shape, dtype=v.dtype, device=v.device)
    end = (tools.owned(v), tools.owned(clock), tools.owned(adaptation))
    steps, batch, nodes = current.shape
    _scan[grid_of(nodes, BLOCK, batch)](
        current, current.stride(0), current.stride(1), *end, factors, factors.shape[1], spikes,
        steps, batch, nodes, SOFT=reset == "soft", PER_NEURON=factors.shape[1] > 1, BLOCK=BLOCK,
        enable_fp_fusion=False,
    )  # fmt: skip
    return spikes, *end


def scan_sheet(
    current: Tensor,
    v: Tensor,
    clock: Tensor,
    adaptation: Tensor,
    spikes: Tensor,
    coupling: Tensor,
    factors: Tensor,
    reset: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """As `scan`, each neuron sending its row of ``coupling`` one step after a spike."""
    current, factors = tools.rows(current), factors.contiguous()
    found = torch.empty(current.shape, dtype=v.dtype, device=v.device)
    end = (tools.owned(v), tools.owned(clock), tools.owned(adaptation))
    steps, batch, nodes = current.shape
    fired = torch.empty(batch, nodes, dtype=torch.int32, device=v.device)
    _scan_sheet[(batch,)](
        current, current.stride(0), current.stride(1), *end, spikes.contiguous(), coupling.contiguous(),
        fired, factors, factors.shape[1], found, steps, batch, nodes, SOFT=reset == "soft",
        PER_NEURON=factors.shape[1] > 1, BLOCK=triton.next_power_of_2(nodes), num_warps=8,
        enable_fp_fusion=False,
    )  # fmt: skip
    return found, *end


def scan_backward(
    grad_spikes: Tensor,
    grad_v: Tensor | None,
    grad_adaptation: Tensor | None,
    current: Tensor,
    v: Tensor,
    clock: Tensor,
    adaptation: Tensor,
    factors: Tensor,
    reset: str,
    surrogate: str,
    rises: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of current ``[T, B, N]``, potential and threshold ``[B, N]``."""
    del rises  # costs nothing here: memory is what takes the time
    current, grad_spikes, factors = tools.rows(current), tools.rows(grad_spikes), factors.contiguous()
    grad_current = torch.empty(current.shape, dtype=v.dtype, device=v.device)
    grad_v, grad_adaptation = (
        tools.owned_gradient(grad_v, v),
        tools.owned_gradient(grad_adaptation, adaptation),
    )
    steps, batch, nodes = current.shape
    segment = max(1, math.isqrt(steps))
    starts = v.new_empty(-(-steps // segment), 3, batch, nodes)
    kept = v.new_empty(segment, 2, batch, nodes)
    _scan_backward[grid_of(nodes, BLOCK, batch)](
        grad_spikes, grad_spikes.stride(0), grad_spikes.stride(1), grad_v, grad_adaptation,
        current, current.stride(0), current.stride(1), v.contiguous(), clock.contiguous(),
        adaptation.contiguous(), factors, factors.shape[1], starts, kept, grad_current,
        steps, batch, nodes, segment, SOFT=reset == "soft", SURROGATE=surrogates.number(surrogate),
        PER_NEURON=factors.shape[1] > 1, BLOCK=BLOCK,
        enable_fp_fusion=False,
    )  # fmt: skip
    return grad_current, grad_v, grad_adaptation


@triton.jit
def _step(i, x, k, a, decay, rest, v_reset, base, gain, pause, jump, fade, SOFT: tl.constexpr):
    """One step; also the distance to threshold before the reset and whether it was free to fire."""
    v_inf = rest + gain * i
    free = k <= 0
    u = tl.where(free, v_inf + (x - v_inf) * decay, x)
    threshold = base + a
    fired = free & (u >= threshold)
    s = tl.where(fired, 1.0, 0.0).to(x.dtype)
    after = u - threshold if SOFT else v_reset
    x = tl.where(fired, after, u)
    k = tl.where(fired, pause, tl.maximum(k - 1, 0.0))
    a = a * fade + jump * s
    return s, x, k, a, (u - threshold) / base, free


@triton.jit
def _factors(f, columns, n, mask, PER_NEURON: tl.constexpr):
    """The rows of `LIFFactors`, in its order."""
    place = n if PER_NEURON else n * 0
    decay = tl.load(f + place, mask=mask, other=0.0)
    rest = tl.load(f + columns + place, mask=mask, other=0.0)
    v_reset = tl.load(f + 2 * columns + place, mask=mask, other=0.0)
    base = tl.load(f + 3 * columns + place, mask=mask, other=1.0)
    gain = tl.load(f + 4 * columns + place, mask=mask, other=0.0)
    pause = tl.load(f + 5 * columns + place, mask=mask, other=0.0)
    jump = tl.load(f + 6 * columns + place, mask=mask, other=0.0)
    fade = tl.load(f + 7 * columns + place, mask=mask, other=0.0)
    return decay, rest, v_reset, base, gain, pause, jump, fade


@triton.jit
def _scan(
    current, st, sb, v, clock, adaptation, f, columns, spikes, steps, batch, nodes,
    SOFT: tl.constexpr, PER_NEURON: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    b = tl.program_id(1).to(tl.int64)
    n = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = n < nodes
    decay, rest, v_reset, base, gain, pause, jump, fade = _factors(f, columns, n, mask, PER_NEURON)
    own = b * nodes + n
    x = tl.load(v + own, mask=mask, other=0.0)
    k = tl.load(clock + own, mask=mask, other=0.0)
    a = tl.load(adaptation + own, mask=mask, other=0.0)
    source, target = current + b * sb + n, spikes + own
    for _ in range(steps):
        i = tl.load(source, mask=mask, other=0.0)
        s, x, k, a, _over, _free = _step(
            i, x, k, a, decay, rest, v_reset, base, gain, pause, jump, fade, SOFT
        )
        tl.store(target, s, mask=mask)
        source += st
        target += batch * nodes
    tl.store(v + own, x, mask=mask)
    tl.store(clock + own, k, mask=mask)
    tl.store(adaptation + own, a, mask=mask)


@triton.jit
def _scan_sheet(
    current, st, sb, v, clock, adaptation, before, coupling, fired, f, columns, spikes, steps, batch, nodes,
    SOFT: tl.constexpr, PER_NEURON: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    b = tl.program_id(0).to(tl.int64)
    n = tl.arange(0, BLOCK)
    mask = n < nodes
    decay, rest, v_reset, base, gain, pause, jump, fade = _factors(f, columns, n, mask, PER_NEURON)
    own = b * nodes + n
    x = tl.load(v + own, mask=mask, other=0.0)
    k = tl.load(clock + own, mask=mask, other=0.0)
    a = tl.load(adaptation + own, mask=mask, other=0.0)
    s = tl.load(before + own, mask=mask, other=0.0)
    listed = fired + b * nodes
    source, target, sent = current + b * sb + n, spikes + b * nodes, before + b * nodes
    for _ in range(steps):
        count = collect(s, n, mask, listed)
        total = add_fired_rows(coupling, sent, listed, count, n, mask, nodes, x)
        i = tl.load(source, mask=mask, other=0.0) + total
        s, x, k, a, _over, _free = _step(
            i, x, k, a, decay, rest, v_reset, base, gain, pause, jump, fade, SOFT
        )
        s = tl.where(mask, s, 0.0)
        tl.store(target + n, s, mask=mask)
        sent = target
        source += st
        target += batch * nodes
    tl.store(v + own, x, mask=mask)
    tl.store(clock + own, k, mask=mask)
    tl.store(adaptation + own, a, mask=mask)


@triton.jit
def _scan_backward(
    grad, gt, gb, grad_v, grad_a, current, st, sb, v, clock, adaptation, f, columns, starts, kept,
    grad_current, steps, batch, nodes, segment, SOFT: tl.constexpr, SURROGATE: tl.constexpr,
    PER_NEURON: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Forward once more to keep the state at each segment's start; then the segments, last first."""
    b = tl.program_id(1).to(tl.int64)
    n = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = n < nodes
    decay, rest, v_reset, base, gain, pause, jump, fade = _factors(f, columns, n, mask, PER_NEURON)
    own, size = b * nodes + n, batch * nodes
    x = tl.load(v + own, mask=mask, other=0.0)
    k = tl.load(clock + own, mask=mask, other=0.0)
    a = tl.load(adaptation + own, mask=mask, other=0.0)
    row = current + b * sb + n
    for t in range(steps):
        if t % segment == 0:
            place = starts + (t // segment) * 3 * size + own
            tl.store(place, x, mask=mask)
            tl.store(place + size, k, mask=mask)
            tl.store(place + 2 * size, a, mask=mask)
        i = tl.load(row, mask=mask, other=0.0)
        _s, x, k, a, _over, _free = _step(
            i, x, k, a, decay, rest, v_reset, base, gain, pause, jump, fade, SOFT
        )
        row += st
    gv = tl.load(grad_v + own, mask=mask, other=0.0)
    ga = tl.load(grad_a + own, mask=mask, other=0.0)
    number = tl.cdiv(steps, segment)
    for backwards in range(number):
        part = number - 1 - backwards
        first = part * segment
        length = tl.minimum(segment, steps - first)
        place = starts + part * 3 * size + own
        tl.debug_barrier()
        x = tl.load(place, mask=mask, other=0.0)
        k = tl.load(place + size, mask=mask, other=0.0)
        a = tl.load(place + 2 * size, mask=mask, other=0.0)
        for t in range(length):
            i = tl.load(current + (first + t).to(tl.int64) * st + b * sb + n, mask=mask, other=0.0)
            _s, x, k, a, over, free = _step(
                i, x, k, a, decay, rest, v_reset, base, gain, pause, jump, fade, SOFT
            )
            tl.store(kept + t * 2 * size + own, over, mask=mask)
            tl.store(kept + (t * 2 + 1) * size + own, tl.where(free, 1.0, 0.0), mask=mask)
        tl.debug_barrier()
        for back in range(length):
            t = length - 1 - back
            over = tl.load(kept + t * 2 * size + own, mask=mask, other=0.0)
            free = tl.load(kept + (t * 2 + 1) * size + own, mask=mask, other=0.0)
            g = tl.load(grad + (first + t).to(tl.int64) * gt + b * gb + n, mask=mask, other=0.0)
            gx = g * free * surrogate_derivative(over, SURROGATE) / base
            fired = (over >= 0) & (free > 0)
            lowered = tl.where(fired, gv, 0.0)
            ga = ga * fade - gx - (lowered if SOFT else 0.0)
            gu = gx + (gv if SOFT else gv - lowered)
            gv = tl.where(free > 0, gu * decay, gu)
            tl.store(grad_current + (first + t).to(tl.int64) * size + own, gain * (gu - gv), mask=mask)
    tl.store(grad_v + own, gv, mask=mask)
    tl.store(grad_a + own, ga, mask=mask)
