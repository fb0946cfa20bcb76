"""What a projection asks of neurons that it runs together with itself."""

from typing import Any, Protocol

from torch import Tensor

from lightning_snn.ops.tap import Tap


class Population(Protocol):
    """Neurons that run over time, as a `NeuronModel` does."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """What they can be driven by."""

    @property
    def dt(self) -> float:
        """Step in ms."""

    def scan_sheet(
        self,
        current: Tensor,
        state: Any,
        spikes: Tensor,
        rows: Tensor,
        *,
        tap: Tap | None,
        **others: Tensor,
    ) -> tuple[Tensor, Any]:
        """Spikes ``[T, B, N]`` and the last state of neurons that send ``rows`` ``[N, N]`` to each other."""

    def scan_uniform(
        self,
        current: Tensor,
        state: Any,
        spikes: Tensor,
        strength: float,
        *,
        input: str,
        tap: Tap | None,
        **others: Tensor,
    ) -> tuple[Tensor, Any]:
        """As `scan_sheet`, for neurons that send ``strength`` to all others."""
