"""Balanced resonate-and-fire: an oscillator that a spike slows down instead of resetting it."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter, unit_of
from lightning_snn.neurons.resonate_fire import turn


class BalancedResonateFire(NeuronModel):
    """Balanced resonate-and-fire (BRF) for learning: an oscillator z = x + i y with a smooth reset.

        z' = (-damping - braking q + 2 pi i frequency) z + current,    s = 1 where x >= threshold + q
        q <- q exp(-dt / tau_q) + s

    A spike raises q, and q both the threshold and the damping: the neuron is refractory for a while and its
    oscillation shrinks smoothly, with no jump of z. It is x, to which the current adds, that has the
    threshold: half a turn after an inhibition begins, it swings back and may spike. Gradients pass through q
    unless ``detach_reset``. The
    turn of a step is exact and shrinks every z, so that it needs no bound on the damping, as the paper's
    Euler steps do. The defaults lie in the middle of the paper's, whose unit of time is 100 steps of 1 ms.

    Raises:
        ValueError: if a constant is out of its range.

    Source: Higuchi et al., Balanced resonate-and-fire neurons, ICML (2024), section 3.
    """

    state = {"x": 0.0, "y": 0.0, "q": 0.0}

    frequency: Parameter = constant(default=12.0, unit="Hz", doc="Of the oscillation.", above=0.0)
    damping: Parameter = constant(default=0.005, unit="1/ms", doc="Rate at which it decays.", at_least=0.0)
    braking: Parameter = constant(
        default=0.01, unit="1/ms", doc="Further damping, times q.", at_least=0.0, kw_only=True
    )
    tau_q: Parameter = constant(
        default=9.49, unit="ms", doc="Time constant of q; 0.9 a ms.", above=0.0, kw_only=True
    )
    threshold: Parameter = constant(default=1.0, doc="Of x.", above=0.0, kw_only=True)
    scale: float | None = option(
        default=None,
        doc="Distance to threshold that the surrogate counts as 1; by default ``threshold``.",
        kw_only=True,
        positive=True,
    )

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """The turn of a step without braking, see `turn`, and the decay of q."""
        scale = unit_of(self.scale, p.threshold)
        fade = torch.exp(-dt / p.tau_q)
        return {**turn(p.damping, p.frequency, dt), "fade": fade, "pull": p.braking * dt, "distance": scale}

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, **_: Tensor) -> tuple[Any, ...]:
        """One step; see the class."""
        left = torch.exp(-p.pull * state.q)
        x = left * (p.cos * state.x - p.sin * state.y) + p.real * current
        y = left * (p.sin * state.x + p.cos * state.y) + p.imaginary * current
        spikes = self.spike((x - (p.threshold + state.q)) / p.distance)
        q = state.q * p.fade
        raised = q + (spikes.detach() if self.detach_reset else spikes)
        return spikes, self.State(x, y, raised), self.State(x, y, q)
