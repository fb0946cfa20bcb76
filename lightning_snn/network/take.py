"""One variable that is recorded."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_snn.network.record import Record

KINETICS = "kinetics_"
"""What names of variables of a connection's kinetics begin with."""

INPUT = "input_"
"""What names of a neuron model's further inputs begin with."""


@dataclass
class Take:
    """One variable that is recorded.

    Args:
        variable: Its name.
        record: What else was asked for.
        steps: Steps of the run.
        size: Neurons there are.
        values: What has been taken ``[T', B, n]``; None before the first step.
    """

    variable: str
    record: Record
    steps: int
    size: int
    values: Tensor | None = None

    @property
    def is_input(self) -> bool:
        """Whether it is something that the neurons of a layer are given."""
        return self.variable == "current" or self.variable.startswith(INPUT)

    @property
    def is_state(self) -> bool:
        """Whether it is part of the state of a layer's neurons."""
        return self.variable != "spikes" and not self.is_input

    @property
    def count(self) -> int:
        """How many records there will be."""
        return -(-self.steps // self.record.every)

    @property
    def neurons(self) -> Tensor:
        """Numbers of the neurons ``[n]``."""
        chosen = self.record.neurons
        return torch.arange(self.size) if chosen is None else torch.tensor(chosen, dtype=torch.int64)

    def put(self, step: int, value: Tensor) -> None:
        """Take the values ``[B, N]`` of a step, if it is one of those."""
        if step % self.record.every:
            return
        value = self._chosen(value.detach())
        if self.values is None:
            self.values = value.new_empty(self.count, *value.shape)
        self.values[step // self.record.every] = value

    def put_all(self, values: Tensor) -> None:
        """Take the values ``[T, B, N]`` of all steps."""
        self.values = self._chosen(values.detach()[:: self.record.every]).clone()

    def _chosen(self, values: Tensor) -> Tensor:
        return values if self.record.neurons is None else values[..., self.neurons.to(values.device)]
