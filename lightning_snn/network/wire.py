"""A connection as it acts in a run: what a spike passes between being sent and driving a neuron."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn.core.tensors import Tensors
from lightning_snn.core.time import LATE_DELAY, delayed, whole_steps
from lightning_snn.synapses import Projection


class Wire(NamedTuple):
    """A connection as it acts in a run.

    Args:
        name: Its name.
        source: The layer that sends.
        target: The layer that receives.
        input: The input of the target that it drives.
        projection: What it is made of, its own or another one that replaces it.
        late: Whether the target is not listed after the source, so that spikes cannot arrive in the step in
            which they are sent.
        steps: Steps from the one in which a spike is sent to the one in which it arrives; 1 at least if late.
    """

    name: str
    source: str
    target: str
    input: str
    projection: Projection
    late: bool
    steps: int

    @property
    def under_way(self) -> int:
        """Steps whose spikes the synapses hold; those of the last step are in the source's state if late."""
        return self.steps - self.late

    @property
    def is_plain(self) -> bool:
        """Whether it has no state of its own, and delivers what `Projection.forward` says."""
        return self.under_way == 0 and self.projection.is_plain

    @property
    def holds(self) -> bool:
        """Whether the current stays the same where the spikes do, from the first step on."""
        return self.steps == 0 and self.projection.holds

    def rest(self, batch: int, like: Tensor, *, dt: float) -> Tensors:
        """State of the synapses at rest."""
        return self.projection.rest(batch, like, dt=dt, steps=self.under_way)

    def opened(self, state: Tensors, like: Tensor, generator: torch.Generator | None) -> Tensors:
        """A state with which a sequence like that ``[T, B, ...]`` can begin or go on; see `Projection`."""
        return self.projection.opened(state, like, generator=generator)

    def transmit(
        self,
        sent: Tensor,
        last: Tensor,
        state: Tensors,
        *,
        dt: float,
        see: Callable[[Tensors], None] | None = None,
    ) -> tuple[Tensor, Tensors]:
        """Current ``[T, B, num_post]`` of spikes as they are sent, and the state after the last step.

        Args:
            sent: Spikes ``[T, B, num_pre]``.
            last: Those of the step before ``[B, num_pre]``.
            state: State of the synapses before.
            dt: Step in ms.
            see: Called with the state of the kinetics after each step.
        """
        if self.late:
            sent, _ = delayed(sent, last[:, None].to(sent))
        kinetics = self.projection.kinetics
        if see is None or kinetics is None:
            return self.projection.transmit(sent, state, dt=dt, steps=self.under_way)
        state = self.projection.opened(state, sent)
        arrived, axons = self.arrive(sent, state)
        charges, kept = self.projection.charge(arrived, state)
        currents = []
        for charge in torch.split(charges, 1):
            current, state = kinetics.run(charge, state, dt=dt)
            see(state)
            currents.append(current)
        return torch.cat(currents), axons | kept | state

    def arrive(self, sent: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Spikes ``[T, B, num_pre]`` of one that is not late when they arrive, and those under way then."""
        self.projection.check_axons(sent, state, self.under_way)
        return self.projection.arrive(sent, state)

    def queue(self, last: Tensor, state: Tensors) -> Tensor:
        """Spikes ``[steps, B, num_pre]`` of a late one that have been sent and not arrived, oldest first."""
        self.projection.check_axons(last[None], state, self.under_way)
        if "on_the_way" not in state:
            return last[None]
        older = state["on_the_way"].transpose(0, 1)
        return torch.cat([older, last[None].to(older.dtype)])


def steps_of(key: str, delay: float | None, *, late: bool, least: float, dt: float) -> int:
    """Steps from the one in which a spike is sent to the one in which it arrives.

    Args:
        key: Where the delay stands in a configuration, for the message.
        delay: Its delay in ms; None for the default.
        late: Whether its target is not listed after its source.
        least: The network's ``min_delay`` in ms.
        dt: Step in ms.

    Raises:
        ValueError: if the delay is not a whole number of steps, below ``least``, or below a step where late.

    >>> [steps_of("x", None, late=late, least=0.0, dt=0.25) for late in (False, True)]
    [0, 4]
    """
    fewest = whole_steps("min_delay", least, dt)
    if delay is None:
        return max(fewest, max(1, round(LATE_DELAY / dt)) if late else 0)
    steps = whole_steps(key, delay, dt)
    if steps < fewest:
        raise ValueError(f"{key} must be at least min_delay = {least} ms, or left out, got {delay} ms")
    if late and not steps:
        raise ValueError(
            f"{key} must be at least one step of dt = {dt} ms, since the connection leads to the same "
            f"or an earlier layer, got {delay} ms: leave it out for {LATE_DELAY:g} ms"
        )
    return steps
