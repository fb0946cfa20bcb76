"""Leaky integrate-and-fire: exact exponential step, refractory period, adaptive threshold."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.neurons.fields import constant
from lightning_snn.neurons.leaky import LeakyIntegrateFire
from lightning_snn.neurons.parameters import Parameter, check_lasting


class LIF(LeakyIntegrateFire):
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

    adaptation: Parameter = constant(
        default=0.0, doc="Rise of the threshold at each spike.", at_least=0.0, kw_only=True
    )
    tau_adaptation: Parameter = constant(
        default=100.0, unit="ms", doc="Time constant with which that rise decays.", above=0.0, kw_only=True
    )

    def check_thresholds_can_rise(self) -> None:
        """Raise ``ValueError`` if the adaptation forgets the rise within a presentation."""
        check_lasting(self.adaptation, self.tau_adaptation)

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """What a step multiplies and compares with."""
        fade = torch.where(p.adaptation > 0, torch.exp(-dt / p.tau_adaptation), 1.0)
        return {**super().constants(p, dt), "fade": fade}

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor) -> tuple[Any, ...]:
        """One step; see the class."""
        v_inf = p.v_rest + p.resistance * current
        free = state.refractory <= 0
        v = torch.where(free, v_inf + (state.v - v_inf) * p.decay, state.v)
        before = self.State(v, (state.refractory - 1).clamp_min(0), state.adaptation * p.fade)
        threshold = p.threshold + state.adaptation
        spikes = self.spike((v - threshold) / p.distance) * free
        after = self.after_spikes(v, spikes, threshold, p)
        clock = torch.where(spikes.detach() > 0, p.pause, before.refractory)
        return spikes, self.State(after, clock, before.adaptation + p.adaptation * spikes.detach()), before
