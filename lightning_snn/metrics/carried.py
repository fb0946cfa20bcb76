"""Metrics of recordings that come in windows: what one update leaves open, the next one goes on with."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor
from torchmetrics import Metric

from lightning_snn.metrics.functional.activity import check_binary


class CarriedMetric(Metric, ABC):
    """A metric of spikes over time.

    Args:
        num_neurons: Number of neurons N.
        continues: Whether an update goes on where the one before ended, with the same samples in the same
            order: then what begins in one and ends in another counts too. Else each update is on its own.
            `reset` begins anew. What is open is not part of a checkpoint.
        kwargs: Options of `torchmetrics.Metric`.
    """

    is_differentiable = False
    full_state_update = False

    def __init__(self, num_neurons: int, *, continues: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_neurons = num_neurons
        self.continues = continues
        self._carried: tuple[int, Any] | None = None
        self._goes_on = False

    @abstractmethod
    def add(self, spikes: Tensor, before: Any) -> Any:
        """Count ``spikes`` ``[T, B, N]``; ``before`` is what the update before returned, or None."""

    def update(self, spikes: Tensor) -> None:
        """Count ``spikes`` ``[T, B, N]`` or ``[T, B, C, H, W]``, in {0, 1}.

        Raises:
            ValueError: if they do not fit the neurons, or the samples that they continue.
        """
        spikes = check_binary(spikes).flatten(2)
        samples, neurons = spikes.shape[1:]
        if neurons != self.num_neurons:
            raise ValueError(f"spikes must be of {self.num_neurons} neurons (num_neurons), got {neurons}")
        known, before = self._carried or (samples, None)
        if samples != known:
            raise ValueError(
                f"spikes must go on with the {known} samples of the update before (continues), got "
                f"{samples}: call reset() between recordings"
            )
        after = self.add(spikes, before)
        self._carried = (samples, after) if self.continues else None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Count a batch and return its own value; what it goes on with counts in it."""
        self._goes_on = True  # the reset between is torchmetrics' own
        try:
            return super().forward(*args, **kwargs)
        finally:
            self._goes_on = False

    def reset(self) -> None:
        """Forget all, and what is open too."""
        super().reset()
        if not self._goes_on:
            self._carried = None
