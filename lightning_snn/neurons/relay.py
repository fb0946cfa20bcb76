"""Neurons that pass their input on."""

from typing import NamedTuple

from torch import Tensor

from lightning_snn.neurons.model import NeuronModel
from lightning_snn.ops.sequence import check_batch


class RelayState(NamedTuple):
    """State ``[B, N]``: the last input."""

    v: Tensor


class Relay(NeuronModel):
    """Passes its input on as it is: pulses of an encoder as spikes, or pooled spikes as graded ones.

    Args:
        dt: Step in ms; by default the network's, and 1 ms in a model alone.
    """

    graded = True

    def rest(self, batch: int, num_neurons: int, like: Tensor) -> RelayState:
        """No input yet."""
        return RelayState(like.new_zeros(batch, num_neurons))

    def step(self, current: Tensor, state: RelayState, **others: Tensor) -> tuple[Tensor, RelayState]:
        """The input."""
        self.check_inputs(current, others)
        del state
        return current, RelayState(current.clone())

    def scan(self, current: Tensor, state: RelayState, **others: Tensor) -> tuple[Tensor, RelayState]:
        """The input ``[T, B, N]``."""
        self.check_inputs(current, others)
        check_batch(current, state)
        return current, RelayState(current[-1].clone())

    def parameters_of(self, index: int) -> dict[str, float]:
        """None."""
        del index
        return {}
