"""Leaky integrate-and-fire with a synaptic current, whose pair of equations is solved exactly."""

from typing import Any, get_args

import torch
from torch import Tensor

from lightning_snn.core.time import steps_of
from lightning_snn.dynamics.reset import hard_reset, soft_reset
from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.lif import Reset
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter, check_below


class CurrentLIF(NeuronModel):
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

    tau_mem: Parameter = constant(default=20.0, unit="ms", doc="Membrane time constant.", above=0.0)
    tau_syn: Parameter = constant(default=5.0, unit="ms", doc="Time constant of the current.", above=0.0)
    v_rest: Parameter = constant(default=0.0, doc="Resting potential.", kw_only=True)
    v_reset: Parameter = constant(
        default=0.0, doc="Potential after a spike, below the threshold.", kw_only=True
    )
    threshold: Parameter = constant(default=1.0, doc="Potential at which a neuron spikes.", kw_only=True)
    resistance: Parameter = constant(default=1.0, doc="Membrane resistance r.", above=0.0, kw_only=True)
    refractory: Parameter = constant(
        default=0.0,
        unit="ms",
        doc="Refractory period, rounded up to whole steps.",
        at_least=0.0,
        kw_only=True,
    )
    scale: float | None = option(
        default=None,
        doc="Distance to threshold that the surrogate counts as 1; by default from reset to threshold.",
        positive=True,
        kw_only=True,
    )
    reset: Reset = option(
        default="hard",
        doc="``hard``: v to ``v_reset``; ``soft``: v lowered by the threshold, from rest on.",
        choices=get_args(Reset),
        kw_only=True,
    )

    def check(self) -> None:
        """Raise ``ValueError`` unless ``v_reset`` lies below the threshold."""
        check_below("v_reset", self.v_reset, "threshold", self.threshold)

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """The exact propagator of the pair, smooth where the time constants are equal."""
        decay, fade = torch.exp(-dt / p.tau_mem), torch.exp(-dt / p.tau_syn)
        apart = (dt / p.tau_mem - dt / p.tau_syn).abs()
        near = apart < 1e-3
        away = torch.where(near, 1.0, apart)
        mean = torch.where(near, 1 - apart / 2 + apart**2 / 6 - apart**3 / 24, -torch.expm1(-away) / away)
        return {
            "decay": decay,
            "fade": fade,
            "gain": p.resistance * dt / p.tau_mem * torch.maximum(decay, fade) * mean,
            "pause": steps_of(p.refractory, dt),
            "distance": p.threshold - p.v_reset if self.scale is None else torch.as_tensor(self.scale),
        }

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, **_: Tensor) -> tuple[Any, ...]:
        """One step; see the class."""
        i = state.i + current * dt
        free = state.refractory <= 0
        v = torch.where(free, p.v_rest + (state.v - p.v_rest) * p.decay + p.gain * i, state.v)
        left = (state.refractory - 1).clamp_min(0)
        spikes = self.spike((v - p.threshold) / p.distance) * free
        after = (
            hard_reset(v, spikes, p.v_reset, self.detach_reset)
            if self.reset == "hard"
            else soft_reset(v, spikes, p.threshold - p.v_rest, self.detach_reset)
        )
        clock = torch.where(spikes.detach() > 0, p.pause, left)
        return spikes, self.State(after, i * p.fade, clock), self.State(v, i * p.fade, left)
