"""Conductance-based populations over time, in numba: the reference's bits, sample by sample."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN202

from collections.abc import Sequence

from torch import Tensor

from lightning_snn.dynamics.conductance_lif import ConductanceLIFFactors
from lightning_snn.ops import parallel
from lightning_snn.ops.jit import array, jit, owned, strided


def scan(
    drive: Tensor,
    inhibition: Tensor,
    before: Tensor,
    state: Sequence[Tensor],
    factors: Sequence[float],
    strength: float,
) -> tuple[Tensor, ...]:
    """Spikes ``[T, B, N]`` and the state after the last step."""
    spikes = drive.new_empty(drive.shape)
    end = [owned(value) for value in state]
    number = end[0].numpy().dtype.type
    arguments = (
        *strided(drive), *strided(inhibition), array(before), tuple(value.numpy() for value in end),
        ConductanceLIFFactors(*(number(value) for value in factors)), number(strength), spikes.numpy(),
    )  # fmt: skip
    parallel.split(drive.shape[1], lambda first, last: _scan(*arguments, first, last))
    return spikes, *end


@jit
def _scan(drive, st, sb, inhibition, it, ib, before, state, f, strength, spikes, first, last):
    steps, _, nodes = spikes.shape
    potential, excitation, inhibited, refractory, adaptation = state
    for b in range(first, last):
        v, g_e, g_i, clock, rise = potential[b], excitation[b], inhibited[b], refractory[b], adaptation[b]
        fired = before[b]
        for t in range(steps):
            start, added = t * st + b * sb, t * it + b * ib
            _inhibit(g_i, inhibition[added : added + nodes], fired, f.inhibition_decay, strength)
            fired = spikes[t, b]
            _step(drive[start : start + nodes], v, g_e, g_i, clock, rise, fired, f)


@jit
def _inhibit(g_i, row, fired, decay, strength):
    total = fired.dtype.type(0)
    for i in range(len(fired)):
        total += fired[i]
    for i in range(len(fired)):
        g_i[i] = g_i[i] * decay + (row[i] + strength * (total - fired[i]))


@jit
def _step(row, v, g_e, g_i, clock, rise, out, f):
    zero, one = v.dtype.type(0), v.dtype.type(1)
    h, rest, reset, base, pause = f.step, f.v_rest, f.v_reset, f.threshold, f.refractory_steps
    decay_e, e_e, e_i = f.excitation_decay, f.reversal_excitation, f.reversal_inhibition
    share_e, share_i = f.excitation_mean, f.inhibition_mean
    jump, fade = f.adaptation, f.adaptation_decay
    for i in range(len(v)):
        excitation = g_e[i] * decay_e + row[i]
        mean_e, mean_i = excitation * share_e, g_i[i] * share_i
        pull = (rest + mean_e * e_e) + mean_i * e_i
        free = clock[i] <= zero
        u = (v[i] + h * pull) / (one + h * ((one + mean_e) + mean_i))
        u = u if free else reset
        fires = free & (u - (base + rise[i]) >= zero)
        left = clock[i] - one
        left = left if left > zero else zero
        s = one if fires else zero
        g_e[i] = excitation
        v[i] = reset if fires else u
        clock[i] = pause if fires else left
        rise[i] = rise[i] * fade + jump * s
        out[i] = s
