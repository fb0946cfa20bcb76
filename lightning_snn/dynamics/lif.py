"""Leaky integrate-and-fire: exact exponential step, refractory period, adaptive threshold."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from lightning_snn.dynamics.surrogate import Surrogate, spike

Reset = Literal["hard", "soft"]


class LIFParameters(NamedTuple):
    """Parameters of `lif_step`, one number or one a neuron ``[N]``; times in ms."""

    tau_mem: float | Tensor = 20.0
    v_rest: float | Tensor = 0.0
    v_reset: float | Tensor = 0.0
    threshold: float | Tensor = 1.0
    resistance: float | Tensor = 1.0
    refractory: float | Tensor = 0.0
    adaptation: float | Tensor = 0.0
    tau_adaptation: float | Tensor = 100.0
    reset: Reset = "hard"
    surrogate: Surrogate = "atan"


class LIFState(NamedTuple):
    """State ``[B, N]`` of a population: potential, remaining refractory steps, rise of the threshold."""

    v: Tensor
    refractory: Tensor
    adaptation: Tensor


class LIFFactors(NamedTuple):
    """What a step multiplies and adds: the parameters for one ``dt``, each ``[1]`` or ``[N]``."""

    decay: Tensor
    v_rest: Tensor
    v_reset: Tensor
    threshold: Tensor
    resistance: Tensor
    refractory_steps: Tensor
    adaptation: Tensor
    adaptation_decay: Tensor


def lif_factors(p: LIFParameters, dt: float) -> Tensor:
    """The fields of `LIFFactors` as one float64 tensor ``[8, 1]`` or ``[8, N]``."""
    tau_mem, v_rest, v_reset, threshold, resistance, refractory, adaptation, tau_adaptation = (
        torch.as_tensor(value, dtype=torch.float64) for value in p[:8]
    )
    factors = LIFFactors(
        decay=torch.exp(-dt / tau_mem),
        v_rest=v_rest,
        v_reset=v_reset,
        threshold=threshold,
        resistance=resistance,
        refractory_steps=torch.ceil(refractory / dt - 1e-6),
        adaptation=adaptation,
        adaptation_decay=torch.where(adaptation > 0, torch.exp(-dt / tau_adaptation), 1.0),
    )
    size = max(value.numel() for value in factors)
    return torch.stack([value.reshape(-1).expand(size) for value in factors])


def lif_step(current: Tensor, state: LIFState, p: LIFParameters, dt: float) -> tuple[Tensor, LIFState]:
    """One exact step of a leaky integrate-and-fire population under a current held over ``dt``.

        tau_mem dv/dt = v_rest - v + r i,    so    v <- v_inf + (v - v_inf) exp(-dt / tau_mem)

    A neuron spikes where v reaches ``threshold + adaptation``. It is then reset (``hard``: to ``v_reset``;
    ``soft``: lowered by the threshold it crossed), stays clamped for ``refractory`` ms, and its threshold
    rises by ``adaptation``, which decays with ``tau_adaptation``; where spikes do not raise it, a rise in the
    state stays as it is. Gradients pass through the spike by its
    surrogate and through the membrane, not through the reset and the adaptation that a spike causes.

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
    factors = LIFFactors(*lif_factors(p, dt).to(state.v).unbind())
    return lif_advance(current, state, factors, p.reset, p.surrogate)


def lif_advance(
    current: Tensor, state: LIFState, f: LIFFactors, reset: Reset, surrogate: Surrogate
) -> tuple[Tensor, LIFState]:
    """`lif_step` with the factors of its ``dt``."""
    v, clock, adaptation = lif_before_reset(current, state, f)
    threshold = f.threshold + state.adaptation
    spikes = spike((v - threshold) / f.threshold, surrogate) * (state.refractory <= 0)
    fired = spikes.detach() > 0
    v = torch.where(fired, f.v_reset, v) if reset == "hard" else v - spikes.detach() * threshold
    clock = torch.where(fired, f.refractory_steps, clock)
    return spikes, LIFState(v, clock, adaptation + f.adaptation * spikes.detach())


def lif_before_reset(current: Tensor, state: LIFState, f: LIFFactors) -> LIFState:
    """The state of a step before spikes reset it."""
    v_inf = f.v_rest + f.resistance * current
    v = torch.where(state.refractory <= 0, v_inf + (state.v - v_inf) * f.decay, state.v)
    return LIFState(v, (state.refractory - 1).clamp_min(0), state.adaptation * f.adaptation_decay)


def lif_rest(batch: int, num_neurons: int, p: LIFParameters, like: Tensor) -> LIFState:
    """State ``[B, N]`` at rest, at least float32, on the device of ``like``."""
    dtype = torch.promote_types(like.dtype, torch.float32)
    v, clock, rise = (like.new_zeros(batch, num_neurons, dtype=dtype) for _ in range(3))
    return LIFState(v + torch.as_tensor(p.v_rest).to(v), clock, rise)
