"""What leaky integrate-and-fire neurons share that a spike resets, and clamps for a while."""

from typing import Any, Literal, get_args

import torch
from torch import Tensor

from lightning_snn.core.time import steps_of
from lightning_snn.dynamics.reset import hard_reset, soft_reset
from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter, check_below, unit_of

Reset = Literal["hard", "soft"]


class LeakyIntegrateFire(NeuronModel):
    """Constants, checks and the reset of leaky integrate-and-fire neurons."""

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
        """Raise ``ValueError`` unless ``v_reset`` lies below the threshold."""
        check_below("v_reset", self.v_reset, "threshold", self.threshold)

    def constants(self, p: Any, dt: Tensor) -> dict[str, Tensor]:
        """What a step multiplies and compares with."""
        return {
            "decay": torch.exp(-dt / p.tau_mem),
            "pause": steps_of(p.refractory, dt),
            "distance": unit_of(self.scale, p.threshold - p.v_reset),
        }

    def after_spikes(self, v: Tensor, spikes: Tensor, threshold: Tensor, p: Any) -> Tensor:
        """The potential after spikes that crossed a ``threshold``."""
        if self.reset == "hard":
            return hard_reset(v, spikes, p.v_reset, self.detach_reset)
        return soft_reset(v, spikes, threshold - p.v_rest, self.detach_reset)
