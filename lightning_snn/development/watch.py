"""Whether the layers of a phase are alive."""

import warnings
from collections.abc import Iterator

from lightning_snn.development.development import Development, RoundActivity

ENOUGH_TIME = 1000.0
"""Time in ms of every stream after which silence means that nothing will ever spike."""

SOME_TIME = 200.0
"""Time in ms of every stream after which it deserves a warning where a phase ends."""

_HINTS = (
    "Check its input: the stimulus, the encoder's gain, the lateral coupling",
    "Check the thresholds of its rule and neurons, and its projection's gain",
)


class ActivityWatch:
    """Stops a phase in which nothing, or everything, spikes.

    Args:
        development: What is being wired.
    """

    def __init__(self, development: Development) -> None:
        self.dt = development.network.dt
        self.names = (development.below, development.target)
        self.looked = False
        self._forget()

    def add(self, activity: RoundActivity) -> None:
        """Take note of a round."""
        self.steps += len(activity.pre)
        self.shares.append((activity.share_below, activity.share))

    def check(self, step: int, *, last: bool = False) -> None:
        """Look at the rounds since the last check, once they are long enough to tell.

        A phase that ends before that gets a warning instead of an error, unless it was a mere try.

        Args:
            step: Steps of all streams so far, for the message.
            last: Whether the phase ends.

        Raises:
            ValueError: if the layer below or the layer that learns was silent in them, or had all its neurons
                spike in every step.
        """
        time = self.steps * self.dt
        if time >= ENOUGH_TIME:
            for complaint in self._complaints(step):
                raise ValueError(complaint)
            self._forget()
            self.looked = True
        elif last and not self.looked and time >= SOME_TIME:
            for complaint in self._complaints(step):
                warnings.warn(complaint, stacklevel=2)

    def _complaints(self, step: int) -> Iterator[str]:
        where = f"in the {self.steps} steps of every stream up to step {step} of the self-organisation"
        for name, shares, hint in zip(self.names, zip(*self.shares, strict=True), _HINTS, strict=True):
            if max(shares) == 0:
                yield f"layers.{name}: no neuron spiked {where}. {hint} (too weak)."
            if min(shares) == 1:
                yield f"layers.{name}: all neurons spiked in every step {where}. {hint} (too strong)."

    def _forget(self) -> None:
        self.steps = 0
        self.shares: list[tuple[float, float]] = []
