"""Leaky integrate-and-fire: exact exponential step, refractory period, adaptive threshold."""

from typing import Any, Literal, get_args

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.time import steps_of
from lightning_snn.dynamics.reset import hard_reset, soft_reset
from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter, check_below, check_lasting

Reset = Literal["hard", "soft"]


class LIF(NeuronModel):
    """Leaky integrate-and-fire under a current held over ``dt``, with its exact step.

        tau_mem dv/dt = v_rest - v + r i,    so    v <- v_inf + (v - v_inf) exp(-dt / tau_mem)

    Potentials are dimensionless with threshold 1 by default, or in mV. A neuron spikes where v reaches
    ``threshold + adaptation``. It is then reset, stays clamped for ``refractory`` ms, and its threshold rises
    by ``adaptation``, which decays with ``tau_adaptation``; where spikes do not raise it, a rise in the state
    stays as it is. Gradients pass through the spike by its surrogate, whose distance counts in units of
    ``scale``, and through the membrane, not through the adaptation that a spike causes.

    Raises:
        ValueError: if a constant is out of its range, or ``v_reset`` not below the threshold.

    Source: Gerstner et al., Neuronal Dynamics (2014), eq. 1.5 (membrane), section 6.1 (adaptive threshold);
    exact integration: Rotter and Diesmann, Biol. Cybern. 81 (1999).
    """

    state = {"v": "v_rest", "refractory": 0.0, "adaptation": 0.0}

    tau_mem: Parameter = constant(default=20.0, unit="ms", doc="Membrane time constant.", above=0.0)
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
    adaptation: Parameter = constant(
        default=0.0, doc="Rise of the threshold at each spike.", at_least=0.0, kw_only=True
    )
    tau_adaptation: Parameter = constant(
        default=100.0, unit="ms", doc="Time constant with which that rise decays.", above=0.0, kw_only=True
    )
    scale: float | None = option(
        default=None,
        doc="Distance to threshold that the surrogate counts as 1; by default from reset to threshold.",
        positive=True,
        kw_only=True,
    )
    reset: Reset = option(
        default="hard",
        doc="``hard``: v to ``v_reset``; ``soft``: v lowered by the threshold it crossed, from rest on.",
        choices=get_args(Reset),
        kw_only=True,
    )

    def check(self) -> None:
        """Raise ``ValueError`` unless ``v_reset`` lies below the threshold, and ``scale`` above 0."""
        if self.scale is not None:
            checks.positive("scale", self.scale)
        check_below("v_reset", self.v_reset, "threshold", self.threshold)

    def check_thresholds_can_rise(self) -> None:
        """Raise ``ValueError`` if the adaptation forgets the rise within a presentation."""
        check_lasting(self.adaptation, self.tau_adaptation)

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """What a step multiplies and compares with."""
        return {
            "decay": torch.exp(-dt / p.tau_mem),
            "pause": steps_of(p.refractory, dt),
            "fade": torch.where(p.adaptation > 0, torch.exp(-dt / p.tau_adaptation), 1.0),
            "distance": p.threshold - p.v_reset if self.scale is None else torch.as_tensor(self.scale),
        }

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor) -> tuple[Any, ...]:
        """One step; see the class."""
        v_inf = p.v_rest + p.resistance * current
        free = state.refractory <= 0
        v = torch.where(free, v_inf + (state.v - v_inf) * p.decay, state.v)
        before = self.State(v, (state.refractory - 1).clamp_min(0), state.adaptation * p.fade)
        threshold = p.threshold + state.adaptation
        spikes = self.spike((v - threshold) / p.distance) * free
        after = (
            hard_reset(v, spikes, p.v_reset, self.detach_reset)
            if self.reset == "hard"
            else soft_reset(v, spikes, threshold - p.v_rest, self.detach_reset)
        )
        clock = torch.where(spikes.detach() > 0, p.pause, before.refractory)
        return spikes, self.State(after, clock, before.adaptation + p.adaptation * spikes.detach()), before
