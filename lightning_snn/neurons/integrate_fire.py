"""Integrate-and-fire without a leak as a module."""

from typing import get_args

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.charge import charge_of
from lightning_snn.dynamics import surrogate as surrogates
from lightning_snn.dynamics.integrate_fire import IntegrateFireReset, IntegrateFireState, integrate_fire_step
from lightning_snn.dynamics.surrogate import Surrogate
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.ops.integrate_fire import integrate_fire_scan


class IntegrateFire(NeuronModel):
    """Integrate-and-fire without a leak, ``dv/dt = i``: a charge adds to the potential as it is.

    Args:
        threshold: Potential at which a neuron spikes.
        reset: ``hard``, ``soft`` or ``none``; see `integrate_fire_step`.
        surrogate: Gradient of the spike: ``atan``, ``fast_sigmoid`` or ``triangle``.
        dt: Step in ms; by default the network's, and 1 ms in a model alone.

    Raises:
        ValueError: if the threshold or ``dt`` is not positive, or an option is unknown.

    >>> spikes, _ = IntegrateFire(2.0, reset="none")(torch.ones(4, 1, 1))
    >>> spikes.flatten().tolist()
    [0.0, 1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        threshold: float = 1.0,
        *,
        reset: IntegrateFireReset = "hard",
        surrogate: Surrogate = "atan",
        dt: float | None = None,
    ) -> None:
        super().__init__(dt)
        checks.number("threshold", threshold)
        checks.positive("threshold", threshold)
        checks.one_of("reset", reset, get_args(IntegrateFireReset))
        checks.one_of("surrogate", surrogate, surrogates.names())
        self.threshold = threshold
        self.reset: IntegrateFireReset = reset
        self.surrogate: Surrogate = surrogate

    def rest(self, batch: int, num_neurons: int, like: Tensor) -> IntegrateFireState:
        """``v = 0``, threshold not raised."""
        dtype = torch.promote_types(like.dtype, torch.float32)
        v, rise = (like.new_zeros(batch, num_neurons, dtype=dtype) for _ in range(2))
        return IntegrateFireState(v, rise)

    def check_thresholds_can_rise(self) -> None:
        """They can."""

    def step(
        self, current: Tensor, state: IntegrateFireState, **others: Tensor
    ) -> tuple[Tensor, IntegrateFireState]:
        """One step; see `integrate_fire_step`."""
        self.check_inputs(current, others)
        charge = charge_of(current, self.dt)
        return integrate_fire_step(charge, state, self.threshold, self.reset, self.surrogate)

    def before_reset(
        self, current: Tensor, state: IntegrateFireState, **others: Tensor
    ) -> IntegrateFireState:
        """The state of a step before spikes reset it: ``v + dt i``."""
        self.check_inputs(current, others)
        return state._replace(v=state.v + charge_of(current, self.dt))

    def scan(
        self, current: Tensor, state: IntegrateFireState, **others: Tensor
    ) -> tuple[Tensor, IntegrateFireState]:
        """Steps in one operator; see `integrate_fire_scan`."""
        self.check_inputs(current, others)
        return integrate_fire_scan(
            charge_of(current, self.dt),
            state,
            threshold=self.threshold,
            reset=self.reset,
            surrogate=self.surrogate,
        )

    def parameters_of(self, index: int) -> dict[str, float]:
        """The threshold, the same for every neuron."""
        del index
        return {"threshold": self.threshold}
