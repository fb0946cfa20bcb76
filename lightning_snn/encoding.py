"""Grey values to input currents over time."""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor

from lightning_snn import checks
from lightning_snn.config import Configurable
from lightning_snn.core.random import Stream, stream_of


class Encoder(Configurable, ABC):
    """Turns grey values into the input of the first layer.

    Args:
        num_steps: Steps T of a presentation.

    Raises:
        ValueError: if ``num_steps`` is not positive.
    """

    stream: Stream | None = None
    """Where the numbers of an encoder come from that draws the same at every call."""

    def __init__(self, num_steps: int) -> None:
        checks.count("num_steps", num_steps)
        self.num_steps = num_steps

    @property
    @abstractmethod
    def repeatable(self) -> bool:
        """Whether the same values always give the same input, so that features may be kept."""

    @abstractmethod
    def __call__(self, values: Tensor, *, dt: float, generator: torch.Generator | None = None) -> Tensor:
        """Input ``[T, B, N]`` for values ``[B, N]`` in [0, 1] and a step of ``dt`` ms.

        ``generator`` is the source of chance of an encoder that is not repeatable; by default torch's own.
        """


class ConstantCurrent(Encoder):
    """A current in proportion to the grey value, held over the presentation.

    Args:
        num_steps: Steps T of a presentation.
        gain: Current of a white pixel.
        bias: Current of a black pixel.

    >>> ConstantCurrent(2, gain=10.0)(torch.tensor([[0.5]]), dt=1.0).tolist()
    [[[5.0]], [[5.0]]]
    """

    def __init__(self, num_steps: int = 100, *, gain: float = 30.0, bias: float = 0.0) -> None:
        super().__init__(num_steps)
        checks.positive("gain", gain)
        checks.finite("bias", bias)
        self.gain = gain
        self.bias = bias

    @property
    def repeatable(self) -> bool:
        """Always."""
        return True

    def __call__(self, values: Tensor, *, dt: float, generator: torch.Generator | None = None) -> Tensor:
        """Input ``[T, B, N]``, a view that takes the memory of one step."""
        del dt, generator
        return (self.bias + self.gain * values).expand(self.num_steps, *values.shape)


class Poisson(Encoder):
    """Current pulses at random steps, at a rate in proportion to the grey value.

    Args:
        num_steps: Steps T of a presentation.
        max_rate: Rate of a white pixel in Hz; at most one pulse a step.
        amplitude: Current of a pulse, held for one step.
        seed: Seed of the pulses, which are then the same at every call; ``run``: the network's, or one by
            torch's generator. None draws new ones at every call.

    Source: Diehl and Cook, Front. Comput. Neurosci. 9 (2015), section 2.5.
    """

    def __init__(
        self,
        num_steps: int = 100,
        *,
        max_rate: float = 250.0,
        amplitude: float = 30.0,
        seed: int | Literal["run"] | None = "run",
    ) -> None:
        super().__init__(num_steps)
        checks.positive("max_rate", max_rate)
        checks.positive("amplitude", amplitude)
        self.max_rate = max_rate
        self.amplitude = amplitude
        self.stream = None if seed is None else stream_of("encoder", None if seed == "run" else seed)

    @property
    def repeatable(self) -> bool:
        """Whether it is seeded."""
        return self.stream is not None

    def __call__(self, values: Tensor, *, dt: float, generator: torch.Generator | None = None) -> Tensor:
        """Input ``[T, B, N]``; with a seed, every sample sees the same draw ``[T, N]`` of thresholds."""
        samples = values.shape[0]
        if self.stream is not None:
            generator, samples = self.stream.torch(), 1
        draw = torch.rand(self.num_steps, samples, values.shape[1], generator=generator)
        probability = values * (self.max_rate * dt / 1000)
        return self.amplitude * (draw.to(values.device) < probability).to(values.dtype)


class Latency(Encoder):
    """One pulse of 1 a neuron, the earlier the brighter it is; none where it is too dark.

    A value x gives a pulse in step ``floor((1 - x) T)``, counted from 0; x = 0 would come in the last.

    Args:
        num_steps: Steps T of a presentation.
        cutoff: Value below which there is no pulse.

    Raises:
        ValueError: if ``cutoff`` does not lie in [0, 1].

    Source: Thorpe and Gautrais, Rank order coding (1998); as used here: Kheradpisheh et al. (2018), section
        2.1.

    >>> Latency(4)(torch.tensor([[1.0, 0.5, 0.0]]), dt=1.0)[:, 0].tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """

    def __init__(self, num_steps: int = 8, *, cutoff: float = 0.05) -> None:
        super().__init__(num_steps)
        checks.between("cutoff", cutoff, 0, 1)
        self.cutoff = cutoff

    @property
    def repeatable(self) -> bool:
        """Always."""
        return True

    def __call__(self, values: Tensor, *, dt: float, generator: torch.Generator | None = None) -> Tensor:
        """Input ``[T, B, N]`` in {0, 1}."""
        del dt, generator
        step = ((1 - values) * self.num_steps).floor().clamp(0, self.num_steps - 1)
        step = torch.where(values < self.cutoff, -1, step)
        time = torch.arange(self.num_steps, device=values.device, dtype=values.dtype)
        return (step == time[:, None, None]).to(values.dtype)
