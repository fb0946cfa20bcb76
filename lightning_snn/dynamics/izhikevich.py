"""Izhikevich's simple model of spiking neurons, with the arithmetic of the paper's program."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.dynamics.surrogate import Surrogate, spike

PEAK = 30.0
"""Potential in mV at which a spike is cut off and counted."""

RATE = 0.04
SLOPE = 5.0
OFFSET = 140.0

V_START = -65.0

SURROGATE_SCALE = 30.0
"""Distance to the peak in mV that a surrogate gradient counts as 1."""

PRESETS: dict[str, tuple[float, float, float, float]] = {
    "regular_spiking": (0.02, 0.2, -65.0, 8.0),
    "intrinsically_bursting": (0.02, 0.2, -55.0, 4.0),
    "chattering": (0.02, 0.2, -50.0, 2.0),
    "fast_spiking": (0.1, 0.2, -65.0, 2.0),
    "low_threshold_spiking": (0.02, 0.25, -65.0, 2.0),
    "thalamo_cortical": (0.02, 0.25, -65.0, 0.05),
    "resonator": (0.1, 0.26, -65.0, 2.0),
}
"""(a, b, c, d) by name. Source: Izhikevich (2003), fig. 2."""


class IzhikevichParameters(NamedTuple):
    """Parameters ``[N]`` or scalar: a in 1/ms, b in 1/ms, c in mV, d in mV/ms."""

    a: Tensor
    b: Tensor
    c: Tensor
    d: Tensor
    clip_peak: bool = False
    surrogate: Surrogate = "atan"


class IzhikevichState(NamedTuple):
    """State ``[B, N]``: membrane potential v in mV and recovery u in mV/ms."""

    v: Tensor
    u: Tensor


class RefractoryIzhikevichState(NamedTuple):
    """State ``[B, N]`` of neurons with a refractory period: v, u, and the steps that are left of it."""

    v: Tensor
    u: Tensor
    refractory: Tensor


class IzhikevichLimits(NamedTuple):
    """Potentials in mV that keep a half-step from overshooting; see `izhikevich_limits`.

    Args:
        low: From below this, a half-step ends at most at ``vertex``.
        vertex: Where the equation's parabola is lowest.
        floor: No half-step ends below this.
        top: No half-step ends above this.
    """

    low: float
    vertex: float
    floor: float
    top: float


def izhikevich_limits(dt: float, clip_peak: bool) -> IzhikevichLimits:
    """The limits of the half-steps in a step of ``dt`` ms.

    A half-step maps v by a parabola that is lowest at ``-62.5 - 25 / dt``: below that, the farther down v
    starts the farther up it lands. From ``-62.5 - 50 / dt`` it lands where it does from -62.5 mV, and from
    farther down it flies past the equilibrium.
    """
    vertex, reach = -SLOPE / (2 * RATE), 1 / (RATE * dt)
    return IzhikevichLimits(vertex - 2 * reach, vertex, vertex - 3 * reach, PEAK if clip_peak else math.inf)


def izhikevich_step(
    current: Tensor, state: IzhikevichState, p: IzhikevichParameters, dt: float
) -> tuple[Tensor, IzhikevichState]:
    """One step: two half-steps of v, one step of u, then the reset of those at the peak.

        v' = 0.04 v^2 + 5 v + 140 - u + i,    u' = a (b v - u);    v >= 30: v <- c, u <- u + d

    At 1 ms u integrates the overshoot of v, so rates are lower than the equations' own;
    ``clip_peak`` limits v to 30 mV before each use. At 0.01 ms spike times converge.
    Far below rest explicit steps of the parabola overshoot: strong inhibition would make v flip to large
    values, which are spikes, and soon NaN. So a half-step from below ``-62.5 - 50 / dt`` (-112.5 mV at 1 ms)
    ends at most at -62.5 mV, and none ends below ``-62.5 - 75 / dt`` (-137.5 mV), which bounds u too: any
    constant inhibition leaves a neuron silent. Waves, which take v down to -120 mV, keep the bits of the
    paper's program.
    Gradients pass through the equations, and through the spike by its surrogate; not through the reset.
    The quadratic term lets them grow by up to a factor of 6 a ms near the peak: long windows overflow.

    Args:
        current: Input ``[B, N]``, in mV/ms as in the paper.
        state: v and u; not modified.
        p: Parameters.
        dt: Step in ms.

    Returns:
        Spikes ``[B, N]`` in {0, 1} and the next state.

    Source: Izhikevich, Simple model of spiking neurons, IEEE Trans. Neural Netw. 14 (2003), and its program.
    """
    v, u = izhikevich_before_reset(current, state, p, dt)
    spikes = spike((v - PEAK) / SURROGATE_SCALE, p.surrogate)
    fired = spikes.detach() > 0
    return spikes, IzhikevichState(torch.where(fired, p.c, v), torch.where(fired, u + p.d, u))


def izhikevich_before_reset(
    current: Tensor, state: IzhikevichState, p: IzhikevichParameters, dt: float
) -> IzhikevichState:
    """The state of a step before spikes reset it; see `izhikevich_step`."""
    v, u = state
    low, vertex, floor, top = izhikevich_limits(dt, p.clip_peak)
    for _ in range(2):
        limit = torch.where(v < low, vertex, top)
        v = v + 0.5 * dt * (RATE * v * v + SLOPE * v + OFFSET - u + current)
        v = torch.where(v > limit, limit, v).clamp_min(floor)
    return IzhikevichState(v, u + dt * p.a * (p.b * v - u))


def refractory_izhikevich_step(
    current: Tensor, state: RefractoryIzhikevichState, p: IzhikevichParameters, dt: float, refractory: float
) -> tuple[Tensor, RefractoryIzhikevichState]:
    """`izhikevich_step`, but v stays at c for ``refractory`` ms after a spike, while u goes on.

    The equations alone have no such period: under the strong input of a wave, the finer the steps the
    more spikes a neuron fires.
    """
    v, u, left = refractory_izhikevich_before_reset(current, state, p, dt)
    spikes = spike((v - PEAK) / SURROGATE_SCALE, p.surrogate)
    fired = spikes.detach() > 0
    clock = torch.where(fired, math.ceil(refractory / dt - 1e-6), left).to(v)
    return spikes, RefractoryIzhikevichState(
        torch.where(fired, p.c, v), torch.where(fired, u + p.d, u), clock
    )


def refractory_izhikevich_before_reset(
    current: Tensor, state: RefractoryIzhikevichState, p: IzhikevichParameters, dt: float
) -> RefractoryIzhikevichState:
    """The state of a step before spikes reset it; see `refractory_izhikevich_step`."""
    held = state.refractory > 0
    v, u = izhikevich_before_reset(current, IzhikevichState(state.v, state.u), p, dt)
    resting = state.u + dt * p.a * (p.b * state.v - state.u)
    return RefractoryIzhikevichState(
        torch.where(held, state.v, v), torch.where(held, resting, u), (state.refractory - 1).clamp_min(0)
    )


def izhikevich_rest(batch: int, num_neurons: int, p: IzhikevichParameters, like: Tensor) -> IzhikevichState:
    """State ``[B, N]`` at ``v = -65 mV, u = b v``, at least float32, on the device of ``like``."""
    dtype = torch.promote_types(like.dtype, torch.float32)
    v = torch.full((batch, num_neurons), V_START, device=like.device, dtype=dtype)
    return IzhikevichState(v, p.b * v)


def heterogeneous_population(
    num_neurons: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Parameters a, b, c, d ``[N]`` from regular spiking (r = 0) to chattering (r = 1).

    ``c = -65 + 15 r^2``, ``d = 8 - 6 r^2`` with one ``r ~ U(0, 1)`` a neuron.

    Source: Izhikevich (2003), the excitatory population of the paper's program.
    """
    square = torch.rand(num_neurons, generator=generator) ** 2
    a, b, c, d = PRESETS["regular_spiking"]
    return torch.full_like(square, a), torch.full_like(square, b), c + 15 * square, d - 6 * square
