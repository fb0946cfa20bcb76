"""Pulses at random steps."""

from typing import Literal

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.charge import current_of
from lightning_snn.core.random import stream_of
from lightning_snn.encoders.image_encoder import ImageEncoder


class Poisson(ImageEncoder):
    """Pulses at random steps, at a rate in proportion to the grey value; images lie in [0, 1].

    Args:
        num_steps: Steps T of a presentation.
        max_rate: Rate of a white pixel in Hz; at most one pulse a step.
        amplitude: Charge of a pulse, which lasts one step: a current of ``amplitude / dt``.
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
        pulses = (draw.to(values.device) < probability).to(values.dtype)
        return current_of(self.amplitude, dt) * pulses
