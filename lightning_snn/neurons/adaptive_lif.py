"""Leaky integrate-and-fire with a threshold that its own spikes raise: the adaptive neuron of LSNNs."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.core.time import steps_of
from lightning_snn.dynamics.reset import soft_reset
from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter, check_below


class AdaptiveLIF(NeuronModel):
    """Leaky integrate-and-fire with an adaptive threshold, ALIF.

        v <- v_inf + (v - v_inf) alpha - (B - v_rest) s,  v_inf = v_rest + r i,  alpha = exp(-dt / tau_mem)
        a <- a rho + (1 - rho) / dt s,  B = threshold + beta a,  rho = exp(-dt / tau_adaptation)

    A neuron spikes, ``s = 1``, where v reaches B, but for ``refractory`` ms after its last spike; v goes on
    meanwhile. B is subtracted at once, divided by alpha, which the leak of the next step makes the paper's.
    The area of what a spike adds to ``a`` is 1 whatever ``dt``. Gradients reach earlier spikes through
    ``a``, and the surrogate's distance counts in units of ``B - v_rest``, as in the paper, where rest is 0.

    Raises:
        ValueError: if a constant is out of its range, or ``v_rest`` not below the threshold.

    Source: Bellec et al., Long short-term memory and learning-to-learn in networks of spiking neurons,
    NeurIPS (2018); the constants are those of its sequential MNIST, in units of its threshold
    of 0.01.
    """

    state = {"v": "v_rest", "a": 0.0, "refractory": 0.0}

    tau_mem: Parameter = constant(default=20.0, unit="ms", doc="Membrane time constant.", above=0.0)
    tau_adaptation: Parameter = constant(
        default=700.0, unit="ms", doc="Time constant with which the threshold falls again.", above=0.0
    )
    beta: Parameter = constant(
        default=180.0, unit="ms", doc="Area of the rise of the threshold by a spike.", at_least=0.0
    )
    v_rest: Parameter = constant(default=0.0, doc="Resting potential.", kw_only=True)
    threshold: Parameter = constant(
        default=1.0, doc="Potential at which a rested neuron spikes.", kw_only=True
    )
    resistance: Parameter = constant(default=1.0, doc="Membrane resistance r.", above=0.0, kw_only=True)
    refractory: Parameter = constant(
        default=5.0,
        unit="ms",
        doc="Refractory period, rounded up to whole steps.",
        at_least=0.0,
        kw_only=True,
    )
    scale: float | None = option(
        default=None,
        doc="Distance to threshold that the surrogate counts as 1; by default from rest to threshold.",
        positive=True,
        kw_only=True,
    )

    def check(self) -> None:
        """Raise ``ValueError`` unless ``v_rest`` lies below the threshold."""
        check_below("v_rest", self.v_rest, "threshold", self.threshold)

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """What a step multiplies with; the exponent is limited where nothing is left of v after a step."""
        return {
            "decay": torch.exp(-dt / p.tau_mem),
            "early": torch.exp((dt / p.tau_mem).clamp_max(80.0)),
            "fade": torch.exp(-dt / p.tau_adaptation),
            "jump": -torch.expm1(-dt / p.tau_adaptation) / dt,
            "pause": steps_of(p.refractory, dt),
        }

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, **_: Tensor) -> tuple[Any, ...]:
        """One step; see the class."""
        v_inf = p.v_rest + p.resistance * current
        v = v_inf + (state.v - v_inf) * p.decay
        threshold = p.threshold + p.beta * state.a
        height = threshold - p.v_rest
        left = (state.refractory - 1).clamp_min(0)
        distance = (v - threshold) / (height if self.scale is None else self.scale)
        spikes = self.spike(distance) * (state.refractory <= 0)
        after = self.State(
            soft_reset(v, spikes, height * p.early, self.detach_reset),
            state.a * p.fade + p.jump * spikes,
            torch.where(spikes.detach() > 0, p.pause, left),
        )
        return spikes, after, self.State(v, state.a * p.fade, left)
