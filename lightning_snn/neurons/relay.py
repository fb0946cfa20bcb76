"""Neurons that pass on what their input delivers."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.core.charge import charge_of
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.ops.sequence import check_batch


class RelayState(NamedTuple):
    """State ``[B, N]``: the last input."""

    v: Tensor


class Relay(NeuronModel):
    """Sends what its input delivers in each step: pulses as spikes, pooled spikes as graded ones.

    Args:
        dt: Step in ms; by default the network's, and 1 ms in a model alone.
    """

    graded = True

    def rest(self, batch: int, num_neurons: int, like: Tensor) -> RelayState:
        """No input yet."""
        return RelayState(like.new_zeros(batch, num_neurons))

    def step(self, current: Tensor, state: RelayState, **others: Tensor) -> tuple[Tensor, RelayState]:
        """The charge of the input."""
        self.check_inputs(current, others)
        del state
        return self._sent(current), RelayState(current.clone())

    def before_reset(self, current: Tensor, state: RelayState, **others: Tensor) -> RelayState:
        """The input: nothing is reset."""
        return self.step(current, state, **others)[1]

    def scan(self, current: Tensor, state: RelayState, **others: Tensor) -> tuple[Tensor, RelayState]:
        """The charge of the input in each step ``[T, B, N]``."""
        self.check_inputs(current, others)
        check_batch(current, state)
        return self._sent(current), RelayState(current[-1].clone())

    def _sent(self, current: Tensor) -> Tensor:
        """The charge; a whole number where it only differs from that by rounding, so that spikes are 1."""
        charge = charge_of(current, self.dt)
        if self.dt == 1:
            return charge
        whole, limit = charge.detach().round(), 2 * torch.finfo(charge.dtype).eps
        near = (whole != 0) & ((charge.detach() - whole).abs() <= limit * whole.abs())
        return torch.where(near, charge + (whole - charge.detach()), charge)

    def parameters_of(self, index: int) -> dict[str, float]:
        """None."""
        del index
        return {}
