"""What a neuron model is: a thin shell around its equations and the time loops."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from lightning_snn import checks
from lightning_snn.config import Configurable
from lightning_snn.ops.neuron_scan import neuron_scan


class NeuronModel(Configurable, nn.Module, ABC):
    """A population of neurons; state is passed in and returned, never kept.

    Adding a model: write its step and state in `lightning_snn.dynamics`, then this shell.

    Args:
        dt: Step in ms.
    """

    def __init__(self, dt: float = 1.0) -> None:
        super().__init__()
        checks.positive("dt", dt)
        self.dt = dt

    @abstractmethod
    def rest(self, batch: int, num_neurons: int, like: Tensor) -> Any:
        """State ``[batch, num_neurons]`` to start from, on the device of ``like``."""

    @abstractmethod
    def step(self, current: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Spikes ``[B, N]`` and the next state, for a current ``[B, N]`` held over ``dt``."""

    @abstractmethod
    def parameters_of(self, index: int) -> dict[str, float]:
        """The parameters of one neuron by name."""

    def sized(self, num_neurons: int) -> "NeuronModel":
        """This model for a population of ``num_neurons``; models with one value for all return themselves."""
        del num_neurons
        return self

    def forward(self, current: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Run over time.

        Args:
            current: Input ``[T, B, N]``.
            state: State to continue from; rest by default.

        Returns:
            Spikes ``[T, B, N]`` in {0, 1} and the state after the last step.

        Raises:
            ValueError: if ``current`` is not ``[T, B, N]`` with T at least 1.
        """
        check_sequence(current)
        if state is None:
            state = self.rest(current.shape[1], current.shape[2], current)
        return neuron_scan(self.step, current, state)


def check_sequence(current: Tensor) -> None:
    """Raise ``ValueError`` unless ``current`` is a floating-point ``[T, B, N]`` with no empty dimension."""
    if current.ndim != 3 or 0 in current.shape or not current.is_floating_point():
        raise ValueError(
            "current must be floating point, [T, B, N] with no empty dimension, "
            f"got {current.dtype} {list(current.shape)}"
        )
