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
        bytes_each: Bytes of a number.
        seen: Steps there have been.
        values: What has been taken ``[T', B, n]``; None before the first step.
    """

    variable: str
    record: Record
    steps: int
    size: int
    bytes_each: int
    seen: int = 0
    values: Tensor | None = None

    @property
    def is_input(self) -> bool:
        """Whether it is something that the neurons of a layer are given."""
        return self.variable == "current" or self.variable.startswith(INPUT)

    @property
    def is_state(self) -> bool:
        """Whether it is part of the state of a layer's neurons."""
        return not (self.variable == "spikes" or self.is_input or self.variable.startswith(KINETICS))

    @property
    def count(self) -> int:
        """How many records there will be."""
        return -(-self.steps // self.record.every)

    @property
    def neurons(self) -> Tensor:
        """Numbers of the neurons ``[n]``."""
        chosen = self.record.neurons
        return torch.arange(self.size) if chosen is None else torch.tensor(chosen, dtype=torch.int64)

    def put(self, values: Tensor) -> None:
        """Go on with the values ``[S, B, N]`` of the next S steps; those of a state are its own to keep."""
        every = self.record.every
        chosen = values.detach()[-self.seen % every :: every]
        if self.record.neurons is not None:
            chosen = chosen[..., self.neurons.to(values.device)]
        if self.is_state and every == 1 and len(values) == self.steps:
            self.values = chosen
            return
        if self.values is None:
            self.values = chosen.new_empty(self.count, *chosen.shape[1:])
        first = -(-self.seen // every)
        self.values[first : first + len(chosen)] = chosen
        self.seen += len(values)
