"""What neurons of a sheet send to each other."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lightning_snn.core.config import Configurable
from lightning_snn.geometry import Sheet
from lightning_snn.ops.event_sum import event_sum


class Lateral(Configurable, ABC):
    """What neurons of a sheet send to each other; a spike arrives one step later."""

    @abstractmethod
    def couple(self, sheet: Sheet, dt: float = 1.0) -> nn.Module:
        """What computes the lateral input ``[B, N]`` of a step of ``dt`` ms from spikes ``[B, N]``.

        Any module does; a `Coupling` may also know a faster way through time, and follows a sheet that moves.
        """


class Population(Protocol):
    """Neurons that run over time, as a `NeuronModel` does."""

    def scan(self, current: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Spikes ``[T, B, N]`` and the last state for currents ``[T, B, N]``."""

    def scan_sheet(self, current: Tensor, state: Any, spikes: Tensor, rows: Tensor) -> tuple[Tensor, Any]:
        """As `scan`, for neurons that send ``rows`` ``[N, N]`` to each other one step after a spike."""


class Coupling(nn.Module, ABC):
    """What computes the lateral input of a sheet."""

    follows_sheet: bool = True
    """Whether the positions of the nodes say all of it, so that it is made anew where they have moved."""

    @abstractmethod
    def forward(self, spikes: Tensor) -> Tensor:
        """Input ``[B, N]`` from the spikes ``[B, N]`` of the step before."""

    def scan(self, neurons: Population, current: Tensor, state: Any, spikes: Tensor) -> tuple[Tensor, Any]:
        """Run coupled neurons over time; see `scan_steps`."""
        return scan_steps(self, neurons, current, state, spikes)


class RowCoupling(Coupling):
    """A coupling whose ``rows`` ``[N, N]`` say what each node sends to each."""

    rows: Tensor
    """Row j ``[N]`` is what a spike of node j adds to the input of each."""

    def forward(self, spikes: Tensor) -> Tensor:
        """Input ``[B, N]`` from the spikes ``[B, N]`` of the step before."""
        return event_sum(spikes, self.rows)

    def scan(self, neurons: Population, current: Tensor, state: Any, spikes: Tensor) -> tuple[Tensor, Any]:
        """Run coupled neurons over time, all steps at once."""
        return neurons.scan_sheet(current, state, spikes, self.rows)


def scan_steps(
    lateral: Callable[[Tensor], Tensor], neurons: Population, current: Tensor, state: Any, spikes: Tensor
) -> tuple[Tensor, Any]:
    """Run neurons over time that are coupled by any module, step by step.

    Args:
        lateral: Lateral input ``[B, N]`` from the spikes ``[B, N]`` of the step before.
        neurons: The neurons.
        current: Outer input ``[T, B, N]``.
        state: Their state before the first step.
        spikes: Spikes ``[B, N]`` of the step before the first.

    Returns:
        Spikes ``[T, B, N]`` and the state after the last step.
    """
    found = []
    for step_current in torch.split(current, 1):
        step_spikes, state = neurons.scan(step_current + lateral(spikes), state)
        found.append(step_spikes)
        spikes = step_spikes[0]
    return torch.cat(found), state
