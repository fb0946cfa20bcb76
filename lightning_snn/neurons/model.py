"""What a neuron model is: a thin shell around its equations and the time loops."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.core.random import RandomStream
from lightning_snn.ops.neuron_scan import neuron_scan
from lightning_snn.ops.sequence import check_sequence
from lightning_snn.ops.sheet_scan import sheet_scan

Parameter = float | Sequence[float] | Tensor
"""One number, or one a neuron."""


LASTING = 100_000.0
"""Least time constant in ms of an adaptation that can hold thresholds over a presentation."""


class NeuronModel(Configurable, nn.Module, ABC):
    """A population of neurons; state is passed in and returned, never kept.

    Adding a model: write its step and state in `lightning_snn.dynamics`, then this shell.

    Args:
        dt: Step in ms.
    """

    stream: RandomStream | None = None
    """Where random parameters come from."""

    graded: bool = False
    """Whether what it sends may be other values than 0 and 1."""

    def __init__(self, dt: float = 1.0) -> None:
        super().__init__()
        checks.positive("dt", dt)
        self.dt = dt

    def again(self, **changes: Any) -> Self:
        """Another one of the same arguments, but for ``changes``; with the ``dt`` of now."""
        made = super().again(**changes)
        made.dt = self.dt  # it may have been changed since
        return made

    @abstractmethod
    def rest(self, batch: int, num_neurons: int, like: Tensor) -> Any:
        """State ``[batch, num_neurons]`` to start from, on the device of ``like``."""

    @abstractmethod
    def step(self, current: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Spikes ``[B, N]`` and the next state, for a current ``[B, N]`` held over ``dt``."""

    @abstractmethod
    def parameters_of(self, index: int) -> dict[str, float]:
        """The parameters of one neuron by name."""

    def scan(self, current: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Spikes ``[T, B, N]`` and the last state for currents ``[T, B, N]``: step by step, in plain PyTorch.

        A model with an operator of its own in `lightning_snn.ops` overrides this and `scan_sheet`.
        """
        return neuron_scan(self.step, current, state)

    def scan_sheet(self, current: Tensor, state: Any, spikes: Tensor, rows: Tensor) -> tuple[Tensor, Any]:
        """As `scan`, for neurons that send ``rows`` ``[N, N]`` to each other one step after a spike.

        Args:
            current: Outer input ``[T, B, N]``.
            state: State before the first step.
            spikes: Spikes ``[B, N]`` of the step before the first.
            rows: Row j is what a spike of neuron j adds to the input of each.
        """
        return sheet_scan(self.step, current, state, spikes, rows)

    def sized(self, num_neurons: int) -> "NeuronModel":
        """This model for a population of ``num_neurons``; models with one value for all return themselves."""
        del num_neurons
        return self

    def raise_thresholds(self, state: Any, rise: Tensor) -> Any:
        """``state`` with thresholds raised by ``rise`` ``[N]``: it goes into the state's ``adaptation``.

        Raises:
            ValueError: as `check_thresholds_can_rise`.
        """
        self.check_thresholds_can_rise()
        return state._replace(adaptation=state.adaptation + rise.to(state.adaptation))

    def check_thresholds_can_rise(self) -> None:
        """Raise ``ValueError`` if a rule or homeostasis cannot set the thresholds of this model.

        A model with an ``adaptation`` in its state overrides this.
        """
        raise ValueError(
            f"neuron: {type(self).__name__} has no threshold that could rise, but the rule or homeostasis of "
            "its projection sets thresholds"
        )

    def forward(self, current: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Run over time.

        Args:
            current: Input ``[T, B, N]``.
            state: State to continue from; rest by default.

        Returns:
            Spikes ``[T, B, N]`` in {0, 1}, or any values where it is `graded`, and the state after the last
            step.

        Raises:
            ValueError: if ``current`` is not ``[T, B, N]`` with T at least 1, or the state of another B or N.
        """
        check_sequence(current)
        if state is None:
            state = self.rest(current.shape[1], current.shape[2], current)
        return self.scan(current, state)


def check_lasting(adaptation: float | Tensor, tau: float | Tensor) -> None:
    """Raise ``ValueError`` if an adaptation forgets within a presentation what homeostasis has set."""
    short = (torch.as_tensor(adaptation) > 0) & (torch.as_tensor(tau) < LASTING)
    if short.any():
        raise ValueError(
            f"neuron.tau_adaptation must be at least {LASTING:.0f} ms (or adaptation 0), since a rule or "
            "homeostasis sets thresholds, which would decay with it, got "
            f"{torch.as_tensor(tau).min().item():g}"
        )


def check_length(name: str, value: float | Tensor, num_neurons: int) -> None:
    """Raise ``ValueError`` unless a parameter holds one value, or one for each neuron."""
    if isinstance(value, Tensor) and value.ndim and len(value) not in (1, num_neurons):
        raise ValueError(f"{name} must hold 1 or {num_neurons} values (num_nodes), got {len(value)}")


def entry(value: float | Tensor, index: int) -> float:
    """A parameter of one neuron."""
    if not isinstance(value, Tensor):
        return value
    return (value if value.numel() == 1 else value[index]).item()
