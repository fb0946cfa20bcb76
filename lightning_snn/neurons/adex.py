"""Adaptive exponential integrate-and-fire."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.core.time import steps_of
from lightning_snn.dynamics.reset import hard_reset
from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter, check_below, unit_of


class AdEx(NeuronModel):
    """Adaptive exponential integrate-and-fire; currents in pA.

        capacitance dv/dt = leak (v_rest - v + delta exp((v - threshold) / delta)) - w + i
        tau_w dw/dt = a (v - v_rest) - w;    v >= peak: v <- v_reset, w <- w + b

    The leaks of v and w are solved exactly, with what else is on the right held over the step, so that no
    inhibition makes v overshoot; 0.1 ms is a good step. The exponential is that of ``peak`` at most, and of
    ``threshold + 10 delta``, as in implementations elsewhere: a spike takes off in microseconds there, and
    neither it nor its gradient may grow without limit. Currents of an experiment are hundreds of pA, so
    weights are charges in pA ms (fC). After a spike v stays at ``v_reset`` for ``refractory`` ms.

    Raises:
        ValueError: if a constant is out of its range, or ``threshold`` or ``v_reset`` not below ``peak``.

    Source: Brette and Gerstner, J. Neurophysiol. 94 (2005), with its constants.

    >>> spikes, _ = AdEx(dt=0.1)(torch.full((2000, 1, 1), 800.0))
    >>> int(spikes.sum())
    5
    """

    state = {"v": "v_rest", "w": 0.0, "refractory": 0.0}

    capacitance: Parameter = constant(default=281.0, unit="pF", doc="Capacitance.", above=0.0)
    leak: Parameter = constant(default=30.0, unit="nS", doc="Conductance of the leak.", above=0.0)
    v_rest: Parameter = constant(default=-70.6, unit="mV", doc="Reversal potential of the leak.")
    threshold: Parameter = constant(default=-50.4, unit="mV", doc="Where the exponential takes off.")
    delta: Parameter = constant(default=2.0, unit="mV", doc="How gently it does.", above=0.0)
    a: Parameter = constant(default=4.0, unit="nS", doc="What v adds to w.")
    b: Parameter = constant(default=80.5, unit="pA", doc="What a spike adds to w.")
    tau_w: Parameter = constant(default=144.0, unit="ms", doc="Time constant of w.", above=0.0)
    v_reset: Parameter = constant(default=-70.6, unit="mV", doc="Potential after a spike.")
    peak: Parameter = constant(default=-40.4, unit="mV", doc="Potential at which a spike is cut off.")
    refractory: Parameter = constant(
        default=0.0, unit="ms", doc="Refractory period, rounded up to whole steps.", at_least=0.0
    )
    scale: float | None = option(
        default=None,
        doc="Distance to ``peak`` in mV that the surrogate counts as 1; by default from ``v_reset``.",
        positive=True,
        kw_only=True,
    )

    def check(self) -> None:
        """Raise ``ValueError`` unless ``peak`` is the highest potential."""
        check_below("threshold", self.threshold, "peak", self.peak)
        check_below("v_reset", self.v_reset, "peak", self.peak)

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """What is left after a step, and the largest exponent."""
        return {
            "decay": torch.exp(-dt * p.leak / p.capacitance),
            "fade": torch.exp(-dt / p.tau_w),
            "limit": ((p.peak - p.threshold) / p.delta).clamp_max(10.0),
            "pause": steps_of(p.refractory, dt),
            "distance": unit_of(self.scale, p.peak - p.v_reset),
        }

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, **_: Tensor) -> tuple[Any, ...]:
        """One step; see the class."""
        exponent = torch.minimum((state.v - p.threshold) / p.delta, p.limit)
        v_inf = p.v_rest + p.delta * torch.exp(exponent) + (current - state.w) / p.leak
        w_inf = p.a * (state.v - p.v_rest)
        free = state.refractory <= 0
        v = torch.where(free, v_inf + (state.v - v_inf) * p.decay, state.v)
        w = w_inf + (state.w - w_inf) * p.fade
        left = (state.refractory - 1).clamp_min(0)
        spikes = self.spike((v - p.peak) / p.distance) * free
        fired = spikes.detach() > 0
        after = self.State(
            hard_reset(v, spikes, p.v_reset, self.detach_reset),
            w + p.b * (spikes.detach() if self.detach_reset else spikes),
            torch.where(fired, p.pause, left),
        )
        return spikes, after, self.State(v, w, left)
