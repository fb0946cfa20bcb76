"""Resonate-and-fire: damped oscillations below threshold."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.dynamics.reset import hard_reset
from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter, unit_of


def turn(damping: Tensor, frequency: Tensor, dt: Tensor) -> dict[str, Tensor]:
    """What a step makes of an oscillator ``z' = lambda z + current``, lambda = -damping + 2 pi i frequency.

    Args:
        damping: In 1/ms.
        frequency: In Hz, above 0.
        dt: In ms.

    Returns:
        Real and imaginary parts of ``exp(lambda dt)``, ``cos`` and ``sin``, and of what a current of 1 that
        is held adds, ``(exp(lambda dt) - 1) / lambda``, ``real`` and ``imaginary``.
    """
    omega = 2e-3 * torch.pi * frequency
    decay = torch.exp(-damping * dt)
    cos, sin, size = decay * torch.cos(omega * dt), decay * torch.sin(omega * dt), damping**2 + omega**2
    real, imaginary = (omega * sin - damping * (cos - 1)) / size, (-damping * sin - omega * (cos - 1)) / size
    return {"cos": cos, "sin": sin, "real": real, "imaginary": imaginary}


class ResonateFire(NeuronModel):
    """Resonate-and-fire: a damped oscillator z = x + i y whose imaginary part is like a potential.

        z' = (-damping + 2 pi i frequency) z + current,    y >= threshold: z <- i threshold

    The current adds to x. The step is exact for one held over ``dt``: z turns and shrinks. Pulses in the
    rhythm of ``frequency`` make it spike, others cancel, and the end of an inhibition can make it spike. A
    spike is where y reaches the threshold; the reset leaves z just there, from where it turns away.

    Raises:
        ValueError: if a constant is out of its range.

    Source: Izhikevich, Resonate-and-fire neurons, Neural Netw. 14 (2001), section 3.
    """

    state = {"x": 0.0, "y": 0.0}

    frequency: Parameter = constant(default=20.0, unit="Hz", doc="Of the oscillation.", above=0.0)
    damping: Parameter = constant(default=0.02, unit="1/ms", doc="Rate at which it decays.", at_least=0.0)
    threshold: Parameter = constant(default=1.0, doc="Of y.", above=0.0, kw_only=True)
    scale: float | None = option(
        default=None,
        doc="Distance to threshold that the surrogate counts as 1; by default the threshold.",
        kw_only=True,
        positive=True,
    )

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """The turn of a step, see `turn`."""
        scale = unit_of(self.scale, p.threshold)
        return {**turn(p.damping, p.frequency, dt), "distance": scale}

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, **_: Tensor) -> tuple[Any, ...]:
        """One step; see the class."""
        x = p.cos * state.x - p.sin * state.y + p.real * current
        y = p.sin * state.x + p.cos * state.y + p.imaginary * current
        spikes = self.spike((y - p.threshold) / p.distance)
        after = (hard_reset(part, spikes, to, self.detach_reset) for part, to in ((x, 0.0), (y, p.threshold)))
        return spikes, self.State(*after), self.State(x, y)
