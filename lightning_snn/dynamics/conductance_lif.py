"""Leaky integrate-and-fire with conductance synapses and adaptive thresholds."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.core.time import mean_of_decay
from lightning_snn.dynamics.surrogate import Surrogate, spike


class ConductanceLIFParameters(NamedTuple):
    """Parameters of `conductance_lif_step`: ms, mV, conductances in units of the leak's.

    The defaults are those of the excitatory cells of Diehl and Cook (2015), section 2.1 and 2.2.
    """

    tau_mem: float = 100.0
    v_rest: float = -65.0
    v_reset: float = -65.0
    threshold: float = -52.0
    refractory: float = 5.0
    tau_excitation: float = 1.0
    tau_inhibition: float = 2.0
    reversal_excitation: float = 0.0
    reversal_inhibition: float = -100.0
    adaptation: float = 0.05
    tau_adaptation: float = 1e7
    surrogate: Surrogate = "atan"


class ConductanceLIFState(NamedTuple):
    """State ``[B, N]``: potential, conductances after the last step's spikes, clock, threshold's rise."""

    v: Tensor
    excitation: Tensor
    inhibition: Tensor
    refractory: Tensor
    adaptation: Tensor


class ConductanceLIFFactors(NamedTuple):
    """What a step multiplies and adds: the parameters for one ``dt``."""

    step: float
    v_rest: float
    v_reset: float
    threshold: float
    refractory_steps: float
    excitation_decay: float
    inhibition_decay: float
    excitation_mean: float
    inhibition_mean: float
    reversal_excitation: float
    reversal_inhibition: float
    adaptation: float
    adaptation_decay: float


def conductance_lif_factors(p: ConductanceLIFParameters, dt: float) -> ConductanceLIFFactors:
    """The factors of a step of ``dt`` ms."""
    return ConductanceLIFFactors(
        step=dt / p.tau_mem,
        v_rest=p.v_rest,
        v_reset=p.v_reset,
        threshold=p.threshold,
        refractory_steps=math.ceil(p.refractory / dt - 1e-6),
        excitation_decay=math.exp(-dt / p.tau_excitation),
        inhibition_decay=math.exp(-dt / p.tau_inhibition),
        excitation_mean=mean_of_decay(p.tau_excitation, dt),
        inhibition_mean=mean_of_decay(p.tau_inhibition, dt),
        reversal_excitation=p.reversal_excitation,
        reversal_inhibition=p.reversal_inhibition,
        adaptation=p.adaptation,
        adaptation_decay=math.exp(-dt / p.tau_adaptation),
    )


def conductance_lif_step(
    drive: Tensor,
    state: ConductanceLIFState,
    p: ConductanceLIFParameters,
    dt: float,
    inhibition: Tensor | None = None,
) -> tuple[Tensor, ConductanceLIFState]:
    """One step.

        tau_mem dv/dt = (v_rest - v) + g_e (E_e - v) + g_i (E_i - v)
        g_e <- g_e exp(-dt / tau_e) + drive
        g_i <- g_i exp(-dt / tau_i) + inhibition

    Spikes come at the start of a step, and the potential sees the mean of the conductances over it, so that
    the area of a conductance is exact at any ``dt``. It takes an implicit Euler step, which cannot leave the
    range of the reversal potentials however large a conductance is. A neuron spikes where v reaches
    ``threshold + adaptation``; it is reset, stays there for ``refractory`` ms, and its threshold rises by
    ``adaptation``, which decays with ``tau_adaptation``.

    Args:
        drive: What presynaptic spikes of the step add to the excitatory conductance ``[B, N]``, 0 or above.
        state: State before the step; not modified.
        p: Parameters.
        dt: Step in ms.
        inhibition: What they add to the inhibitory conductance ``[B, N]``, 0 or above; nothing by default.

    Returns:
        Spikes ``[B, N]`` in {0, 1} and the next state.

    Source: Diehl and Cook, Front. Comput. Neurosci. 9 (2015), equations 1 and 2.
    """
    return conductance_lif_advance(drive, state, conductance_lif_factors(p, dt), p.surrogate, inhibition)


def conductance_lif_advance(
    drive: Tensor,
    state: ConductanceLIFState,
    f: ConductanceLIFFactors,
    surrogate: Surrogate,
    inhibition: Tensor | None = None,
) -> tuple[Tensor, ConductanceLIFState]:
    """`conductance_lif_step` with the factors of its ``dt``."""
    u, g_e, g_i, clock, adaptation = conductance_lif_before_reset(drive, state, f, inhibition)
    distance = u - (f.threshold + state.adaptation)
    spikes = spike(distance, surrogate) * (state.refractory <= 0)
    fired = spikes.detach() > 0
    return spikes, ConductanceLIFState(
        v=torch.where(fired, f.v_reset, u),
        excitation=g_e,
        inhibition=g_i,
        refractory=torch.where(fired, f.refractory_steps, clock),
        adaptation=adaptation + f.adaptation * spikes.detach(),
    )


def conductance_lif_before_reset(
    drive: Tensor, state: ConductanceLIFState, f: ConductanceLIFFactors, inhibition: Tensor | None = None
) -> ConductanceLIFState:
    """The state of a step before spikes reset it."""
    g_e = state.excitation * f.excitation_decay + drive
    g_i = state.inhibition * f.inhibition_decay
    if inhibition is not None:
        g_i = g_i + inhibition
    mean_e, mean_i = g_e * f.excitation_mean, g_i * f.inhibition_mean
    pull = f.v_rest + mean_e * f.reversal_excitation + mean_i * f.reversal_inhibition
    free = state.refractory <= 0
    u = torch.where(free, (state.v + f.step * pull) / (1 + f.step * (1 + mean_e + mean_i)), f.v_reset)
    return ConductanceLIFState(
        v=u,
        excitation=g_e,
        inhibition=g_i,
        refractory=(state.refractory - 1).clamp_min(0),
        adaptation=state.adaptation * f.adaptation_decay,
    )


def conductance_lif_rest(
    batch: int, num_neurons: int, p: ConductanceLIFParameters, like: Tensor
) -> ConductanceLIFState:
    """State ``[B, N]`` at rest, at least float32, on the device of ``like``."""
    dtype = torch.promote_types(like.dtype, torch.float32)
    v, *others = (like.new_zeros(batch, num_neurons, dtype=dtype) for _ in range(5))
    return ConductanceLIFState(v + p.v_rest, *others)
