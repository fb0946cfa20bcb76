"""Leaky integrate-and-fire with conductance synapses and adaptive thresholds."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.core.time import steps_of
from lightning_snn.dynamics.reset import hard_reset
from lightning_snn.neurons.fields import constant
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter, check_lasting


class ConductanceLIF(NeuronModel):
    """Leaky integrate-and-fire with conductance synapses.

        tau_mem dv/dt = (v_rest - v) + g_e (E_e - v) + g_i (E_i - v)
        g_e <- g_e exp(-dt / tau_e) + drive,    g_i <- g_i exp(-dt / tau_i) + inhibition

    It has two inputs whose charges add to a conductance: a weight of a projection without kinetics as it is,
    0 or above, in units of the leak's conductance. ``current`` adds to the excitatory conductance,
    ``inhibition`` to the inhibitory one. Spikes come at the start of a step, and the potential sees the mean
    of the conductances over it, so that the area of a conductance is exact at any ``dt``. It takes an
    implicit Euler step, which cannot leave the range of the reversal potentials however large a conductance
    is. A neuron spikes where v reaches ``threshold + adaptation``; it is reset and stays there for
    ``refractory`` ms. The defaults are the excitatory cells of the source.

    Raises:
        ValueError: if a constant is out of its range, or the potentials are not in the order inhibition's
            reversal <= rest, reset < threshold < excitation's reversal.

    Source: Diehl and Cook, Front. Comput. Neurosci. 9 (2015), sections 2.1 and 2.2.
    """

    inputs = ("current", "inhibition")
    state = {"v": "v_rest", "excitation": 0.0, "inhibition": 0.0, "refractory": 0.0, "adaptation": 0.0}

    tau_mem: Parameter = constant(default=100.0, unit="ms", doc="Membrane time constant.", above=0.0)
    v_rest: Parameter = constant(default=-65.0, unit="mV", doc="Resting potential.", kw_only=True)
    v_reset: Parameter = constant(default=-65.0, unit="mV", doc="Potential after a spike.", kw_only=True)
    threshold: Parameter = constant(
        default=-52.0, unit="mV", doc="Potential at which a neuron spikes.", kw_only=True
    )
    refractory: Parameter = constant(
        default=5.0,
        unit="ms",
        doc="Refractory period, rounded up to whole steps.",
        at_least=0.0,
        kw_only=True,
    )
    tau_excitation: Parameter = constant(
        default=1.0, unit="ms", doc="Time constant of the excitatory conductance.", above=0.0, kw_only=True
    )
    tau_inhibition: Parameter = constant(
        default=2.0, unit="ms", doc="Time constant of the inhibitory conductance.", above=0.0, kw_only=True
    )
    reversal_excitation: Parameter = constant(
        default=0.0, unit="mV", doc="Reversal potential of excitation.", kw_only=True
    )
    reversal_inhibition: Parameter = constant(
        default=-100.0, unit="mV", doc="Reversal potential of inhibition.", kw_only=True
    )
    adaptation: Parameter = constant(
        default=0.05, unit="mV", doc="Rise of the threshold at each spike.", at_least=0.0, kw_only=True
    )
    tau_adaptation: Parameter = constant(
        default=1e7, unit="ms", doc="Time constant with which that rise decays.", above=0.0, kw_only=True
    )

    def check(self) -> None:
        """Raise ``ValueError`` unless the potentials are in order."""
        given = (
            self.reversal_inhibition,
            self.v_rest,
            self.v_reset,
            self.threshold,
            self.reversal_excitation,
        )
        low, rest, reset, threshold, high = (torch.as_tensor(x) for x in given)
        lowest, highest = torch.minimum(rest, reset), torch.maximum(rest, reset)
        if not bool(((low <= lowest) & (highest < threshold)).all()):
            raise ValueError(
                "threshold must lie above v_rest and v_reset, and these not below reversal_inhibition, got "
                f"{self.threshold}, {self.v_rest}, {self.v_reset} and {self.reversal_inhibition}"
            )
        if bool((threshold >= high).any()):
            raise ValueError(
                f"reversal_excitation must lie above threshold = {self.threshold}, got "
                f"{self.reversal_excitation}"
            )

    def check_thresholds_can_rise(self) -> None:
        """Raise ``ValueError`` if the adaptation forgets the rise within a presentation."""
        check_lasting(1.0, self.tau_adaptation)

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """Decays, and means over the step of what decays in it."""

        def mean(tau: Tensor) -> Tensor:
            return -torch.expm1(-dt / tau) * tau / dt

        return {
            "rate": dt / p.tau_mem,
            "decay_e": torch.exp(-dt / p.tau_excitation),
            "decay_i": torch.exp(-dt / p.tau_inhibition),
            "mean_e": mean(p.tau_excitation),
            "mean_i": mean(p.tau_inhibition),
            "pause": steps_of(p.refractory, dt),
            "fade": torch.exp(-dt / p.tau_adaptation),
        }

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, *, inhibition: Tensor) -> tuple[Any, ...]:
        """One step; see the class."""
        g_e = state.excitation * p.decay_e + current * dt
        g_i = state.inhibition * p.decay_i + inhibition * dt
        mean_e, mean_i = g_e * p.mean_e, g_i * p.mean_i
        pull = p.v_rest + mean_e * p.reversal_excitation + mean_i * p.reversal_inhibition
        free = state.refractory <= 0
        v = torch.where(free, (state.v + p.rate * pull) / (1 + p.rate * (1 + mean_e + mean_i)), p.v_reset)
        spikes = self.spike(v - (p.threshold + state.adaptation)) * free
        left, rise = (state.refractory - 1).clamp_min(0), state.adaptation * p.fade
        after = self.State(
            hard_reset(v, spikes, p.v_reset, self.detach_reset),
            g_e,
            g_i,
            torch.where(spikes.detach() > 0, p.pause, left),
            rise + p.adaptation * spikes.detach(),
        )
        return spikes, after, self.State(v, g_e, g_i, left, rise)
