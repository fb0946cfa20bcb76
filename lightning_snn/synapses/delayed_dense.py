"""All-to-all projection whose synapses have delays of their own, learned or from distance."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from lightning_snn.core import checks
from lightning_snn.core.random import RandomStream, stream_of
from lightning_snn.core.tensors import Tensors
from lightning_snn.core.time import whole_steps
from lightning_snn.geometry import Sheet
from lightning_snn.ops.sequence import check_part
from lightning_snn.synapses.delays import arriving, folded, gaussian, whole
from lightning_snn.synapses.fields import known
from lightning_snn.synapses.initial import initial_wiring
from lightning_snn.synapses.kinetics import Kinetics
from lightning_snn.synapses.normalisation import Normalisation
from lightning_snn.synapses.projection import HISTORY
from lightning_snn.synapses.weighted import WeightedProjection


class DelayedDense(WeightedProjection):
    """All-to-all synapses, each with a weight and with a delay of its own, on top of the common ``delay``.

    Learned delays: in training a spike arrives spread over the steps around its delay, by a Gaussian of
    width ``sigma`` whose sum is 1, through which gradients reach the delay; in evaluation it arrives at the
    nearest whole step. A wide Gaussian sees far, a narrow one is close to what evaluation does: narrow it as
    training goes on, by `narrow` or the callback `NarrowDelays`. With ``speed`` delays are distances over the
    speed, at whole steps, and are not learned. Memory and time grow with ``max_delay / dt``.

    Args:
        num_pre: Presynaptic neurons; a network fills it in.
        num_post: Postsynaptic neurons; a network fills it in.
        max_delay: Longest delay in ms, whole steps, on top of ``delay``; with ``speed`` by default that of
            the farthest pair.
        speed: Units of length per ms, both sheets laid over each other; by default delays are learned.
        sigma: Width of the Gaussian at first, in ms.
        below: The sheet of the source; a network fills it in.
        here: The sheet of the target; a network fills it in.
        dt: Step in ms; a network fills it in.
        gain: As in `Dense`.
        trainable: Whether gradients reach the weights, and the delays that are learned.
        seed: Seed of the first weights and delays; by default the network's, or one by torch's generator.
        delay: Time in ms that all spikes travel at least, whole steps; see `Projection`.
        kinetics: Time course of the current of a spike.
        norm: Normalisation of the charges, such as `TDBatchNorm`; see `Projection`.
        dropout: Share of the source's neurons left out of a sequence in training; see `Projection`.

    Raises:
        ValueError: if a number is out of range, ``max_delay`` is no whole number of steps or shorter than the
            farthest pair needs, or neither it nor ``speed`` is given.

    Source: Hammouamri et al., Learning delays in spiking neural networks using dilated convolutions with
    learnable spacings, ICLR (2024).
    """

    stream: RandomStream
    sigma: Tensor
    own_delay: Tensor
    steps: int
    """D, the steps of the longest delay."""

    def __init__(
        self,
        num_pre: int,
        num_post: int,
        *,
        max_delay: float | None = None,
        speed: float | None = None,
        sigma: float = 1.0,
        below: Sheet | None = None,
        here: Sheet | None = None,
        dt: float = 1.0,
        gain: float = 1.0,
        trainable: bool = False,
        seed: int | None = None,
        delay: float | None = None,
        kinetics: Kinetics | None = None,
        norm: Normalisation | None = None,
        dropout: float = 0.0,
    ) -> None:
        checks.count("num_pre", num_pre)
        checks.count("num_post", num_post)
        checks.positive("sigma", sigma)
        checks.positive("dt", dt)
        stream = stream_of("weights", seed)
        start = initial_wiring(num_pre, num_post, None, None, stream.torch())
        super().__init__(
            num_pre, num_post, start, gain=gain, trainable=trainable, delay=delay, kinetics=kinetics,
            norm=norm, dropout=dropout,
        )  # fmt: skip
        self.stream = stream
        self.dt = dt
        self.first_sigma = float(sigma)
        self.register_buffer("sigma", torch.tensor(float(sigma)))
        if max_delay is not None:
            checks.positive("max_delay", max_delay)
            self.steps = whole_steps("max_delay", max_delay, dt)
        if speed is not None:
            checks.positive("speed", speed)
            source = known("DelayedDense", "below", below, num_pre)
            distance = source.distances(known("DelayedDense", "here", here, num_post))
            self.register_buffer("own_delay", distance.t().float() / speed)
            if max_delay is None:
                self.steps = self._needed()
            elif self._needed() > self.steps:
                raise ValueError(
                    f"max_delay must be at least {self._needed() * dt:g} ms, which the farthest pair needs "
                    f"at speed = {speed:g}, got {max_delay}"
                )
        elif max_delay is None:
            raise ValueError("DelayedDense needs max_delay, to learn delays, or speed, for those by distance")
        else:
            drawn = torch.rand(num_post, num_pre, generator=stream_of("delays", seed).torch())
            self.own_delay = nn.Parameter(max_delay * drawn, requires_grad=trainable)

    def _needed(self) -> int:
        """Steps of the longest of the delays that are not learned."""
        return round(float(self.own_delay.max()) / self.dt)

    @property
    def delays(self) -> Tensor:
        """Delay of each synapse in ms ``[num_post, num_pre]``, on top of ``delay``."""
        if isinstance(self.own_delay, nn.Parameter):
            return folded(self.own_delay, self.steps * self.dt)
        return self.own_delay

    def narrow(self, sigma: float) -> None:
        """Change the width of the Gaussian, in ms."""
        checks.positive("sigma", sigma)
        self.sigma.fill_(sigma)

    def kernel(self) -> Tensor:
        """Charge of a spike at each later step ``[num_post, num_pre, D + 1]``, the last lag first."""
        if self.training and self.own_delay.requires_grad:
            shares = gaussian(self.delays, self.sigma, self.steps, self.dt)
        else:
            shares = whole(self.delays, self.steps, self.dt)
        return self.efficacy()[..., None] * shares

    def forward(self, spikes: Tensor) -> Tensor:
        """Charge ``[T, B, num_post]`` from spikes ``[T, B, num_pre]`` before which there were none."""
        self.check_spikes(spikes)
        found, _ = self.carried(spikes, self._silent(spikes.shape[1], spikes))
        return found

    def fields(self, spikes: Tensor) -> Tensor:
        """No input of one step alone.

        Raises:
            ValueError: always: what arrives was sent in several steps.
        """
        del spikes
        raise ValueError(
            f"{type(self).__name__} delivers spikes of several steps at once, which neither rules nor online "
            "learning follow: train it by backpropagation"
        )

    def prepared(self) -> Callable[[Tensor], Tensor]:
        """As in `Projection`, of spikes that those of the D steps before precede."""
        return partial(arriving, kernel=self.kernel())

    def carried(
        self, spikes: Tensor, state: Tensors, carry: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensors]:
        """See `Projection.carried`; the state has the spikes of the D steps before ``[B, D, num_pre]``."""
        before = state[HISTORY]
        check_part(f"state.{HISTORY}", before, (spikes.shape[1], self.steps, self.num_pre), like=spikes)
        line = torch.cat([before.transpose(0, 1), spikes.to(before.dtype)])
        after = line[len(spikes) :].transpose(0, 1).clone(memory_format=torch.contiguous_format)
        return (carry or self.prepared())(line), {HISTORY: after}

    def rest(self, batch: int, like: Tensor, *, dt: float, steps: int | None = None) -> Tensors:
        """As in `Projection`, with no spike in the steps before.

        Raises:
            ValueError: if ``dt`` is another than its own.
        """
        if dt != self.dt:
            raise ValueError(f"DelayedDense was made for dt = {self.dt} ms, got {dt}: build it with that dt")
        return super().rest(batch, like, dt=dt, steps=steps) | self._silent(batch, like)

    def _silent(self, batch: int, like: Tensor) -> Tensors:
        return {HISTORY: like.new_zeros(batch, self.steps, self.num_pre)}

    @property
    def is_plain(self) -> bool:
        """It is not: earlier spikes are still on their way."""
        return False

    @property
    def repeatable(self) -> bool:
        """As in `Projection`; delays that are learned are whole steps in evaluation alone."""
        return super().repeatable and not self.own_delay.requires_grad

    def initial(self) -> Tensors:
        """``weight [num_post, num_pre]`` that the projection started from."""
        return initial_wiring(self.num_pre, self.num_post, None, None, self.stream.torch())

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Delays by distance are those of the file, whose sheets may lie otherwise."""
        super()._load_from_state_dict(state_dict, prefix, *args)
        if not isinstance(self.own_delay, nn.Parameter):
            self.steps = max(self.steps, self._needed())
