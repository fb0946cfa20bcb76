"""Conductance-based populations over time, in numba: the reference's bits, sample by sample."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN202

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from lightning_snn.dynamics.conductance_lif import ConductanceLIFFactors
from lightning_snn.ops import parallel
from lightning_snn.ops.jit import jit, owned, strided


def scan(drive: Tensor, state: Sequence[Tensor], factors: Sequence[float]) -> tuple[Tensor, ...]:
    """Spikes ``[T, B, N]`` and the state after the last step."""
    spikes = drive.new_empty(drive.shape)
    end = [owned(value) for value in state]
    f = ConductanceLIFFactors(*(end[0].numpy().dtype.type(value) for value in factors))
    arguments = (*strided(drive), tuple(value.numpy() for value in end), f, spikes.numpy())
    parallel.split(drive.shape[1], lambda first, last: _scan(*arguments, first, last))
    return spikes, *end


@jit
def _scan(drive, st, sb, state, f, spikes, first, last):
    steps, _, nodes = spikes.shape
    potential, excitation, inhibition, refractory, adaptation, before = state
    others = np.empty(nodes, spikes.dtype)
    for b in range(first, last):
        v, g_e, g_i = potential[b], excitation[b], inhibition[b]
        clock, rise, fired = refractory[b], adaptation[b], before[b]
        for t in range(steps):
            start = t * st + b * sb
            _inhibit(g_i, fired, others, f.inhibition_decay, f.inhibition)
            _step(drive[start : start + nodes], v, g_e, g_i, clock, rise, spikes[t, b], f)
            fired[:] = spikes[t, b]


@jit
def _inhibit(g_i, fired, others, decay, strength):
    total = fired.dtype.type(0)
    for i in range(len(fired)):
        total += fired[i]
    for i in range(len(fired)):
        others[i] = strength * (total - fired[i])
        g_i[i] = g_i[i] * decay + others[i]


@jit
def _step(row, v, g_e, g_i, clock, rise, out, f):
    zero, one = v.dtype.type(0), v.dtype.type(1)
    h, rest, reset, base, pause = f.step, f.v_rest, f.v_reset, f.threshold, f.refractory_steps
    decay_e, e_e, e_i = f.excitation_decay, f.reversal_excitation, f.reversal_inhibition
    jump, fade = f.adaptation, f.adaptation_decay
    for i in range(len(v)):
        excitation = g_e[i] * decay_e + row[i]
        pull = (rest + excitation * e_e) + g_i[i] * e_i
        free = clock[i] <= zero
        u = (v[i] + h * pull) / (one + h * ((one + excitation) + g_i[i]))
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
