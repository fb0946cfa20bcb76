"""Neurons that pass on what their input delivers."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.neurons.model import NeuronModel


class Relay(NeuronModel):
    """Sends what its input delivers in each step: pulses as spikes, pooled spikes as graded ones."""

    state = {"v": 0.0}
    graded = True

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, **_: Tensor) -> tuple[Any, ...]:
        """The charge; a whole number where it only differs from that by rounding, so that spikes are 1."""
        del state, p
        charge = current * dt
        whole, limit = charge.detach().round(), 2 * torch.finfo(charge.dtype).eps
        near = (whole != 0) & ((charge.detach() - whole).abs() <= limit * whole.abs()) & (dt != 1)
        return torch.where(near, charge + (whole - charge.detach()), charge), self.State(current)
