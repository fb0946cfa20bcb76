"""Neurons that pass on what their input delivers."""

from typing import Any

import torch
from torch import Tensor

from lightning_snn.core.charge import charge_of, current_of
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.ops.sequence import check_sequence, check_state
from lightning_snn.ops.tap import Tap


class Relay(NeuronModel):
    """Sends what its input delivers in each step: pulses as spikes, pooled spikes as graded ones."""

    state = {"v": 0.0}
    graded = True

    def received(self, given: Tensor, dtype: torch.dtype) -> Tensor:
        """In half precision a whole charge is rounded more than in the state."""
        found, dt = given.to(dtype), self.time_step
        if dt == 1 or given.dtype == dtype:
            return found
        return current_of(_whole(charge_of(found, dt), torch.finfo(given.dtype).eps), dt)

    def scan(
        self, current: Tensor, state: Any, *, tap: Tap | None = None, **others: Tensor
    ) -> tuple[Tensor, Any]:
        """As that of any model; a whole sequence is passed on as it is, not copied, at a step of 1 ms."""
        if others or tap is not None or self.time_step != 1 or type(self).step is not Relay.step:
            return super().scan(current, state, tap=tap, **others)
        check_sequence(current)
        check_state(current, state, self.State)
        sent = self.received(current, state[0].dtype)
        return sent, self.State(sent[-1].clone(memory_format=torch.contiguous_format))

    def scan_held(
        self, current: Tensor, state: Any, steps: int, *, tap: Tap | None = None
    ) -> tuple[Tensor, Any]:
        """As that of any model: what is sent stays the same too."""
        if tap is not None:
            return super().scan_held(current, state, steps, tap=tap)
        sent, state = self.scan(current[None], state)
        return sent.expand(steps, *current.shape), state

    def step(self, current: Tensor, state: Any, p: Any, dt: Tensor, **_: Tensor) -> tuple[Any, ...]:
        """The charge, so that spikes are 1."""
        del state, p
        return passed(current, dt), self.State(current)


def passed(current: Tensor, dt: Tensor) -> Tensor:
    """What a current delivers in a step, whole where it is so but for rounding."""
    charge = current * dt
    return torch.where(dt != 1, _whole(charge, torch.finfo(charge.dtype).eps), charge)


def _whole(charge: Tensor, eps: float) -> Tensor:
    """A whole number where a charge only differs from that by rounding."""
    whole = charge.detach().round()
    near = (whole != 0) & ((charge.detach() - whole).abs() <= 2 * eps * whole.abs())
    return torch.where(near, charge + (whole - charge.detach()), charge)
