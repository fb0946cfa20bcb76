"""Leaky integrate-and-fire with a synaptic current, whose pair of equations is solved exactly."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.neurons.fields import constant
from lightning_snn.neurons.leaky import LeakyIntegrateFire
from lightning_snn.neurons.parameters import Parameter


class CurrentLIF(LeakyIntegrateFire):
    """Leaky integrate-and-fire with an exponential synaptic current.

        tau_mem dv/dt = v_rest - v + r i,    tau_syn di/dt = -i,    i <- i + charge at the start of a step

    A charge adds to the current as it is, so that the weight of a projection without kinetics is the current
    right after a spike, and its area is ``w tau_syn``. The step is exact: what a current adds to v is

        r i tau_syn / (tau_syn - tau_mem) (exp(-dt / tau_syn) - exp(-dt / tau_mem)),

    and its limit where the time constants are equal. A neuron spikes where v reaches ``threshold``; it is
    then reset and stays clamped for ``refractory`` ms, while its current goes on.

    Raises:
        ValueError: if a constant is out of its range, or ``v_reset`` not below the threshold.

    Source: Rotter and Diesmann, Biol. Cybern. 81 (1999) (exact integration), with the current of
    Gerstner et al., Neuronal Dynamics (2014), section 3.1.
    """

    state = {"v": "v_rest", "i": 0.0, "refractory": 0.0}

    tau_syn: Parameter = constant(default=5.0, unit="ms", doc="Time constant of the current.", above=0.0)

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """The exact propagator of the pair, smooth where the time constants are equal."""
        shared, fade = super().constants(p, dt), torch.exp(-dt / p.tau_syn)
        apart = (dt / p.tau_mem - dt / p.tau_syn).abs()
        near = apart < 1e-3
        away = torch.where(near, 1.0, apart)
        mean = torch.where(near, 1 - apart / 2 + apart**2 / 6 - apart**3 / 24, -torch.expm1(-away) / away)
        gain = p.resistance * dt / p.tau_mem * torch.maximum(shared["decay"], fade) * mean
        return {**shared, "fade": fade, "gain": gain}

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, **_: Tensor) -> tuple[Any, ...]:
        """One step; see the class."""
        i = state.i + current * dt
        free = state.refractory <= 0
        v = torch.where(free, p.v_rest + (state.v - p.v_rest) * p.decay + p.gain * i, state.v)
        left = (state.refractory - 1).clamp_min(0)
        spikes = self.spike((v - p.threshold) / p.distance) * free
        after = self.after_spikes(v, spikes, p.threshold, p)
        clock = torch.where(spikes.detach() > 0, p.pause, left)
        return spikes, self.State(after, i * p.fade, clock), self.State(v, i * p.fade, left)
