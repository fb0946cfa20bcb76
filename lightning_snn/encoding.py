"""Grey values to input currents over time."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from lightning_snn import checks
from lightning_snn.config import Configurable


class Encoder(Configurable, ABC):
    """Turns grey values into the input of the first layer.

    Args:
        num_steps: Steps T of a presentation.

    Raises:
        ValueError: if ``num_steps`` is not positive.
    """

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
        seed: Seed of the pulses; None draws new ones at every call.

    Source: Diehl and Cook, Front. Comput. Neurosci. 9 (2015), section 2.5.
    """

    def __init__(
        self, num_steps: int = 100, *, max_rate: float = 250.0, amplitude: float = 30.0, seed: int | None = 0
    ) -> None:
        super().__init__(num_steps)
        checks.positive("max_rate", max_rate)
        checks.positive("amplitude", amplitude)
        self.max_rate = max_rate
        self.amplitude = amplitude
        self.seed = seed

    @property
    def repeatable(self) -> bool:
        """Whether it is seeded."""
        return self.seed is not None

    def __call__(self, values: Tensor, *, dt: float, generator: torch.Generator | None = None) -> Tensor:
        """Input ``[T, B, N]``; with a seed, every sample sees the same draw ``[T, N]`` of thresholds."""
        samples = len(values)
        if self.seed is not None:
            generator, samples = torch.Generator().manual_seed(self.seed), 1
        draw = torch.rand(self.num_steps, samples, values.shape[1], generator=generator)
        probability = values * (self.max_rate * dt / 1000)
        return self.amplitude * (draw.to(values.device) < probability).to(values.dtype)
