"""Leaky integrate-and-fire: exact exponential step, refractory period, adaptive threshold."""

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from lightning_snn.dynamics.surrogate import Surrogate, spike

Reset = Literal["hard", "soft"]


class LIFParameters(NamedTuple):
    """Parameters of `lif_step`; potentials in units of the user's choice, times in ms."""

    tau_mem: float = 20.0
    v_rest: float = 0.0
    v_reset: float = 0.0
    threshold: float = 1.0
    resistance: float = 1.0
    refractory: float = 0.0
    adaptation: float = 0.0
    tau_adaptation: float = 100.0
    reset: Reset = "hard"
    surrogate: Surrogate = "atan"


class LIFState(NamedTuple):
    """State ``[B, N]`` of a population: potential, remaining refractory steps, rise of the threshold."""

    v: Tensor
    refractory: Tensor
    adaptation: Tensor


def lif_step(current: Tensor, state: LIFState, p: LIFParameters, dt: float) -> tuple[Tensor, LIFState]:
    """One exact step of a leaky integrate-and-fire population under a current held over ``dt``.

        tau_mem dv/dt = v_rest - v + r i,    so    v <- v_inf + (v - v_inf) exp(-dt / tau_mem)

    A neuron spikes where v reaches ``threshold + adaptation``. It is then reset (``hard``: to ``v_reset``;
    ``soft``: lowered by the threshold it crossed), stays clamped for ``refractory`` ms, and its threshold
    rises by ``adaptation``, which decays with ``tau_adaptation``.

    Args:
        current: Input current ``[B, N]``.
        state: Potentials, refractory clocks and threshold rises; not modified.
        p: Parameters.
        dt: Step in ms.

    Returns:
        Spikes ``[B, N]`` in {0, 1} and the next state.

    Source: Gerstner et al., Neuronal Dynamics (2014), eq. 1.5 (membrane), section 6.1 (adaptive threshold);
    exact integration: Rotter and Diesmann, Biol. Cybern. 81 (1999).
    """
    v_inf = p.v_rest + p.resistance * current
    free = state.refractory <= 0
    v = torch.where(free, v_inf + (state.v - v_inf) * math.exp(-dt / p.tau_mem), state.v)
    threshold = p.threshold + state.adaptation
    spikes = spike((v - threshold) / p.threshold, p.surrogate) * free
    if p.reset == "hard":
        v = torch.where(spikes > 0, v.new_tensor(p.v_reset), v)
    else:
        v = v - spikes.detach() * threshold
    clock = torch.where(
        spikes > 0, float(math.ceil(p.refractory / dt - 1e-6)), (state.refractory - 1).clamp_min(0)
    )
    adaptation = state.adaptation * math.exp(-dt / p.tau_adaptation) + p.adaptation * spikes.detach()
    return spikes, LIFState(v, clock, adaptation)


def lif_rest(batch: int, num_neurons: int, p: LIFParameters, like: Tensor) -> LIFState:
    """State ``[B, N]`` at rest, at least float32, on the device of ``like``."""
    zero = like.new_zeros(batch, num_neurons, dtype=torch.promote_types(like.dtype, torch.float32))
    return LIFState(zero + p.v_rest, zero, zero)
