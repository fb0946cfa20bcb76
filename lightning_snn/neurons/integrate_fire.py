"""Integrate-and-fire without a leak."""

from typing import Any, Literal, get_args

from torch import Tensor

from lightning_snn.dynamics.reset import hard_reset, soft_reset
from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter

IntegrateFireReset = Literal["hard", "soft", "none"]


class IntegrateFire(NeuronModel):
    """Integrate-and-fire without a leak, ``dv/dt = i``: a charge adds to the potential as it is.

    Its threshold may be raised by a rule or by homeostasis, and stays raised.

    Raises:
        ValueError: if a constant is out of its range or an option unknown.

    Source: Kheradpisheh et al., Neural Networks 99 (2018), eq. 1.

    >>> import torch
    >>> spikes, _ = IntegrateFire(2.0, reset="none")(torch.ones(4, 1, 1))
    >>> spikes.flatten().tolist()
    [0.0, 1.0, 1.0, 1.0]
    """

    state = {"v": 0.0, "adaptation": 0.0}

    threshold: Parameter = constant(default=1.0, doc="Potential at which a neuron spikes.", above=0.0)
    reset: IntegrateFireReset = option(
        default="hard",
        doc="``hard``: v to 0; ``soft``: v lowered by the threshold; ``none``: v stays, and a neuron spikes "
        "in every step until v falls below the threshold, so that its spike count tells how early it began.",
        choices=get_args(IntegrateFireReset),
        kw_only=True,
    )

    def check_thresholds_can_rise(self) -> None:
        """They can."""

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor) -> tuple[Any, ...]:
        """``v <- v + dt i``; a spike where v reaches the threshold."""
        v = state.v + current * dt
        limit = p.threshold + state.adaptation
        spikes = self.spike((v - limit) / p.threshold)
        after = v
        if self.reset == "hard":
            after = hard_reset(v, spikes, 0.0, self.detach_reset)
        elif self.reset == "soft":
            after = soft_reset(v, spikes, limit, self.detach_reset)
        return spikes, self.State(after, state.adaptation), self.State(v, state.adaptation)
