"""Quadratic integrate-and-fire."""

from typing import Any

from torch import Tensor

from lightning_snn.dynamics.reset import hard_reset
from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter, check_below, unit_of


class QuadraticIF(NeuronModel):
    """Quadratic integrate-and-fire, the normal form of neurons that begin to fire at a rate of 0.

        tau_mem dv/dt = curvature (v - v_rest) (v - threshold) + r i;    v >= peak: v <- v_reset

    Above ``threshold`` v takes off by itself; above the rheobase ``curvature (threshold - v_rest)^2 / (4 r)``
    the neuron fires at a constant current. Potentials are dimensionless, or in mV with the curvature in 1/mV.

    The step is Kahan's: with x, the distance to the middle between rest and threshold, and c, the part of the
    right side without x, ``x <- (x + h c) / (1 - h curvature x)``, ``h = dt / tau_mem``. It is of second
    order, keeps both fixed points, and no inhibition makes it spike. The divisor is 0.1 at least, which
    limits the last step before a spike.

    Raises:
        ValueError: if a constant is out of its range, or ``v_rest`` or ``v_reset`` too high.

    Source: Latham et al., J. Neurophysiol. 83 (2000); Gerstner et al., Neuronal Dynamics (2014), eq.
    5.16. The step: Kahan, Unconventional numerical methods for trajectory calculations, Berkeley (1993).

    >>> import torch
    >>> spikes, _ = QuadraticIF()(torch.ones(300, 1, 1))
    >>> int(spikes.sum())
    6
    """

    state = {"v": "v_rest"}

    tau_mem: Parameter = constant(default=20.0, unit="ms", doc="Membrane time constant.", above=0.0)
    v_rest: Parameter = constant(default=0.0, doc="Resting potential.", kw_only=True)
    threshold: Parameter = constant(
        default=1.0, doc="Potential above which v takes off, above ``v_rest``.", kw_only=True
    )
    curvature: Parameter = constant(
        default=1.0, doc="How fast it does; of the parabola.", above=0.0, kw_only=True
    )
    v_reset: Parameter = constant(default=0.0, doc="Potential after a spike, below ``peak``.", kw_only=True)
    peak: Parameter = constant(
        default=10.0, doc="Potential at which a spike is cut off, above the threshold.", kw_only=True
    )
    resistance: Parameter = constant(default=1.0, doc="Membrane resistance r.", above=0.0, kw_only=True)
    scale: float | None = option(
        default=None,
        doc="Distance to ``peak`` that the surrogate counts as 1; by default from ``v_reset``.",
        kw_only=True,
        positive=True,
    )

    def check(self) -> None:
        """Raise ``ValueError`` unless the potentials are in order."""
        check_below("v_rest", self.v_rest, "threshold", self.threshold)
        check_below("threshold", self.threshold, "peak", self.peak)
        check_below("v_reset", self.v_reset, "peak", self.peak)

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """The parabola, as seen from the middle between its zeros, over a step."""
        bend = p.curvature * dt / p.tau_mem
        return {
            "middle": (p.v_rest + p.threshold) / 2,
            "bend": bend,
            "depth": bend * ((p.threshold - p.v_rest) / 2) ** 2,
            "gain": p.resistance * dt / p.tau_mem,
            "distance": unit_of(self.scale, p.peak - p.v_reset),
        }

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, **_: Tensor) -> tuple[Any, ...]:
        """One step; see the class."""
        x = state.v - p.middle
        v = p.middle + (x + (p.gain * current - p.depth)) / (1 - p.bend * x).clamp_min(0.1)
        spikes = self.spike((v - p.peak) / p.distance)
        return spikes, self.State(hard_reset(v, spikes, p.v_reset, self.detach_reset)), self.State(v)
