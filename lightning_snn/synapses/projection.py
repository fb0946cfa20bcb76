"""What a projection is: what carries spikes from one layer to another, and what takes time on the way."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.charge import current_of
from lightning_snn.core.config import Configurable
from lightning_snn.core.random import RandomStream
from lightning_snn.core.tensors import Tensors
from lightning_snn.core.time import checked_delay, delayed, whole_steps
from lightning_snn.ops.sequence import check_part
from lightning_snn.ops.tap import Tap
from lightning_snn.synapses.dropout import KEPT, drawn, dropped
from lightning_snn.synapses.kinetics import Kinetics
from lightning_snn.synapses.normalisation import Normalisation
from lightning_snn.synapses.population import Population

ON_THE_WAY = "on_the_way"
"""The part of a state that is spikes which have not arrived."""
HISTORY = "history"
"""The part of a state that is earlier spikes of which something has not arrived."""
AXONS = (ON_THE_WAY, KEPT, HISTORY)
"""The parts of a state that are of the source's neurons, and not of the kinetics."""


class Projection(Configurable, nn.Module, ABC):
    """Synapses from ``num_pre`` to ``num_post`` neurons.

    A new projection says what arriving spikes deliver (`forward`, without time); `transmit` adds what takes
    time, with the state passed and returned, and what every projection may have: dropout and a norm. One with
    weights is a `WeightedProjection`.

    Without kinetics a weight is a charge, a current held for 1 ms: what arrives in a step of ``dt`` ms is the
    current ``weight / dt`` held over that step.

    Args:
        num_pre: Presynaptic neurons.
        num_post: Postsynaptic neurons.
        gain: Charge of a spike at weight 1; with kinetics, its current.
        delay: Time in ms from the step in which a spike is sent to the one in which it arrives; whole steps.
            By default none to a layer that is listed after the source, and 1 ms to others.
        kinetics: Time course of the current of a spike; by default all arrives in one step.
        norm: Normalisation of what arriving spikes deliver, before the kinetics.
        dropout: Share of the source's neurons, drawn anew for each sequence of each sample, that arrive at
            nothing in training mode; the others count for as much more.
        channels: C, where the target is C maps; by default each of its neurons is a channel of the norm.

    Raises:
        ValueError: if a size or the gain is not positive, the delay is negative, or ``dropout`` does not lie
            from 0 to below 1.
    """

    stream: RandomStream | None = None
    """Where random numbers of the projection come from."""

    whole_sequences: bool = False
    """Whether `forward` must see all steps of a presentation at once, so that no loop can lead through it."""

    each_step_alone: bool = False
    """Whether `forward` treats every step alike, whatever came before, so that one may stand for all."""

    topographic: bool = False
    """Whether each neuron sees nodes around its own place, so that its position keeps its meaning."""

    follows_sheets: bool = False
    """Whether the places of the nodes say all of it, so that it is made anew where they have moved."""

    crowding: float = 1.0
    """Of a coupling inside a sheet: the sheet's density, in units of that which its constants are for."""

    def __init__(
        self,
        num_pre: int,
        num_post: int,
        *,
        gain: float = 1.0,
        delay: float | None = None,
        kinetics: Kinetics | None = None,
        norm: Normalisation | None = None,
        dropout: float = 0.0,
        channels: int | None = None,
    ) -> None:
        super().__init__()
        checks.count("num_pre", num_pre)
        checks.count("num_post", num_post)
        checks.positive("gain", gain)
        checks.share("dropout", dropout)
        self.num_pre = num_pre
        self.num_post = num_post
        self.gain = gain
        self.delay = checked_delay(delay)
        self.kinetics = kinetics
        self.dropout = dropout
        channels = num_post if channels is None else channels
        self.norm = None if norm is None else norm.sized(channels, num_post // channels)
        if self.norm is not None and self.norm.whole_sequences:
            self.whole_sequences = True

    @property
    def is_plain(self) -> bool:
        """Whether what spikes deliver is `forward` of them alone: no kinetics, norm or dropout."""
        return self.kinetics is None and self.norm is None and not self.dropout

    @property
    def holds(self) -> bool:
        """Whether what it delivers stays the same where what arrives does."""
        alike = self.kinetics is None and type(self).each_step_alone
        return alike and (self.norm is None or self.norm.holds)

    @property
    def repeatable(self) -> bool:
        """Whether it always delivers the same: in training as in evaluation, whatever else is in a batch."""
        return not self.dropout and (self.norm is None or not self.norm.whole_sequences)

    @abstractmethod
    def forward(self, spikes: Tensor) -> Tensor:
        """Charge ``[..., num_post]`` that arriving spikes ``[..., num_pre]`` deliver."""

    def excited(self, factor: float) -> "Projection":
        """The same with what excites times a factor; itself where it has no such part of its own."""
        del factor
        return self

    def prepared(self) -> Callable[[Tensor], Tensor]:
        """`forward` for many calls in a row, with what does not depend on the spikes computed once."""
        return self

    def scan(
        self,
        neurons: Population,
        current: Tensor,
        state: Any,
        spikes: Tensor,
        *,
        input: str,
        tap: Tap | None = None,
        **others: Tensor,
    ) -> tuple[Tensor, Any] | None:
        """Run neurons that are joined by this projection alone, all steps at once, where there is such a way.

        Args:
            neurons: The neurons.
            current: Input ``[T, B, N]`` from elsewhere.
            state: Their state before the first step.
            spikes: Spikes ``[B, N]`` of the step before the first.
            input: The input of the neurons that the projection drives.
            tap: Gets variables of the neurons of every step.
            **others: Their further inputs ``[T, B, N]`` from elsewhere, by name.

        Returns:
            Spikes ``[T, B, N]`` and the state after the last step; None: it must be done step by step.
        """
        del neurons, current, state, spikes, input, tap, others
        return None

    def transmit(
        self,
        spikes: Tensor,
        state: Tensors | None = None,
        *,
        dt: float,
        steps: int | None = None,
    ) -> tuple[Tensor, Tensors]:
        """Current over time, with delay and kinetics.

        Args:
            spikes: Spikes as the source sends them ``[T, B, num_pre]``.
            state: State of the synapses to go on from; rest by default.
            dt: Step in ms.
            steps: Steps that spikes travel; by default those of the delay.

        Returns:
            Current ``[T, B, num_post]`` and the state after the last step.

        Raises:
            ValueError: if the delay is not a whole number of steps, or the state of another batch or delay.
        """
        steps = self._delay_steps(dt) if steps is None else steps
        state = self.rest(spikes.shape[1], spikes, dt=dt, steps=steps) if state is None else state
        state = self.opened(state, spikes)
        self.check_axons(spikes, state, steps)
        arrived, axons = self.arrive(spikes, state)
        current, synapses = self.deliver(arrived, state, dt=dt)
        return current, axons | synapses

    def opened(self, state: Tensors, spikes: Tensor, *, generator: torch.Generator | None = None) -> Tensors:
        """A state with which a sequence can begin or go on: in training with a mask where there is dropout.

        Args:
            state: State of the synapses.
            spikes: A sequence ``[T, B, ...]`` of that batch, device and number format.
            generator: Source of the mask; torch's global one by default.
        """
        if not self.dropout or not self.training or KEPT in state:
            return state
        return state | {KEPT: drawn(self.dropout, spikes.new_empty(spikes.shape[1], self.num_pre), generator)}

    def deliver(
        self,
        spikes: Tensor,
        state: Tensors,
        *,
        dt: float,
        carry: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[Tensor, Tensors]:
        """Current ``[T, B, num_post]`` of spikes ``[T, B, num_pre]`` that arrive, and the state beside axons.

        ``carry`` is what `prepared` gave, for many calls in a row.
        """
        charge, kept = self.charge(spikes, state, carry=carry)
        if self.kinetics is None:
            return current_of(charge, dt), kept
        current, kinetics = self.kinetics.run(charge, state, dt=dt)
        return current, kept | kinetics

    def charge(
        self, spikes: Tensor, state: Tensors, *, carry: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensors]:
        """Charge ``[T, B, num_post]`` of spikes ``[T, B, num_pre]`` that arrive; what it goes on with."""
        charge, after = self.carried(self.kept(spikes, state), state, carry)
        mask = {KEPT: state[KEPT]} if self.dropout and self.training else {}
        return (charge if self.norm is None else self.norm(charge)), mask | after

    def carried(
        self, spikes: Tensor, state: Tensors, carry: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensors]:
        """`forward` of spikes ``[T, B, num_pre]`` that arrive, and a state that it goes on with, if any."""
        del state
        return (carry or self)(spikes), {}

    def kept(self, spikes: Tensor, state: Tensors) -> Tensor:
        """Spikes ``[T, B, num_pre]`` that arrive, without those that dropout takes away in training."""
        return dropped(spikes, state) if self.dropout and self.training else spikes

    def arrive(self, spikes: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Spikes ``[T, B, num_pre]`` when they arrive, and those that are on their way then."""
        if ON_THE_WAY not in state:
            return spikes, {}
        arrived, on_the_way = delayed(spikes, state[ON_THE_WAY])
        return arrived, {ON_THE_WAY: on_the_way}

    def check_axons(self, spikes: Tensor, state: Tensors, steps: int) -> None:
        """Raise ``ValueError`` unless ``state`` holds the spikes of ``steps`` steps, which fit ``spikes``."""
        if steps != (state[ON_THE_WAY].shape[1] if ON_THE_WAY in state else 0):
            raise ValueError(
                f"state.on_the_way must hold the spikes of {steps} steps, which is their delay, got "
                f"{[list(value.shape) for name, value in state.items() if name == 'on_the_way']}"
            )
        if steps:
            shape = (spikes.shape[1], steps, self.num_pre)
            check_part("state.on_the_way", state[ON_THE_WAY], shape, like=spikes)

    def _delay_steps(self, dt: float) -> int:
        return 0 if self.delay is None else whole_steps("delay", self.delay, dt)

    def silent_axons(self, batch: int, like: Tensor, *, steps: int) -> Tensors:
        """The part of the state that `arrive` needs, with no spike on its way of ``steps`` steps."""
        return {ON_THE_WAY: like.new_zeros(batch, steps, self.num_pre)} if steps else {}

    def rest(self, batch: int, like: Tensor, *, dt: float, steps: int | None = None) -> Tensors:
        """State of the synapses of ``batch`` samples at rest; empty without delay and kinetics.

        ``steps`` are those that spikes travel; by default those of the delay.
        """
        axons = self.silent_axons(batch, like, steps=self._delay_steps(dt) if steps is None else steps)
        return axons if self.kinetics is None else axons | self.kinetics.rest(batch, self.num_post, like)

    def check_spikes(self, spikes: Tensor) -> None:
        """Raise ``ValueError`` unless ``spikes`` is ``[..., num_pre]``."""
        if spikes.shape[-1] != self.num_pre:
            raise ValueError(f"spikes must be [..., {self.num_pre}] (num_pre), got {list(spikes.shape)}")
