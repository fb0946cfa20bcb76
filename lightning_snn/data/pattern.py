"""A pattern over time that a network learns to generate, with a clock as its input."""

import math
from typing import Any

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.core.random import RandomStream
from lightning_snn.core.time import whole_steps

FREQUENCIES = (1.0, 2.0, 3.0, 5.0)
"""In Hz, of the sines that a target is the sum of."""


class Pattern(Configurable, LightningDataModule):
    """One pattern, shown again and again: spikes of a clock, and sums of sines to be generated from them.

    Each target is the sum of four sines of 1, 2, 3 and 5 Hz with amplitudes drawn from [0.5, 2] and phases
    at random, brought to mean 0 and variance 1 over the pattern: a mean squared error is a normalised one.
    The clock divides the time into parts of the same length, in each of which a group of inputs spikes
    regularly.

    Args:
        targets: Number K of targets.
        duration: Length of the pattern in ms.
        parts: Parts of the clock.
        neurons: Inputs of each part.
        rate: Rate of these while it lasts, in Hz.
        repeats: How often the pattern is shown in an epoch.
        batch_size: How many of these are one batch.
        dt: Step in ms, that of the network; the length of a part is a whole number of it.
        seed: Of the targets.

    Raises:
        ValueError: if an argument is out of its range.

    Source: Bellec et al., Nat. Commun. 11 (2020), fig. 2 and its methods, with 3 targets and 5 parts of
    200 ms.
    """

    def __init__(
        self,
        targets: int = 3,
        *,
        duration: float = 1000.0,
        parts: int = 5,
        neurons: int = 4,
        rate: float = 100.0,
        repeats: int = 50,
        batch_size: int = 1,
        dt: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        counts = {
            "targets": targets,
            "parts": parts,
            "neurons": neurons,
            "repeats": repeats,
            "batch_size": batch_size,
        }
        for name, value in counts.items():
            checks.count(f"data.{name}", value)
        checks.positive("data.dt", dt)
        checks.positive("data.duration", duration)
        checks.between("data.rate", rate, 0, 1000 / dt)
        checks.seed("data.seed", seed)
        self.part_steps = whole_steps("data.duration / parts", duration / parts, dt)
        self.targets, self.parts, self.neurons, self.rate = targets, parts, neurons, rate
        self.repeats, self.batch_size, self.dt, self.seed = repeats, batch_size, dt, seed

    @property
    def num_inputs(self) -> int:
        """Inputs of all parts."""
        return self.parts * self.neurons

    def clock(self) -> Tensor:
        """Spikes ``[T, N]``, 0 and 1: each input spikes regularly in its part, one after its neighbour."""
        step = torch.arange(self.part_steps)[:, None] * self.dt + self.dt * torch.arange(self.neurons)
        period = 1000 / self.rate
        spikes = (step // period != (step - self.dt) // period).float()
        clock: Tensor = torch.block_diag(*[spikes] * self.parts)  # type: ignore[no-untyped-call]
        return clock

    def pattern(self) -> Tensor:
        """Targets ``[T, K]`` of mean 0 and variance 1."""
        generator = RandomStream(self.seed, "pattern").torch()
        amplitude, phase = torch.rand(
            2, self.targets, len(FREQUENCIES), generator=generator, dtype=torch.float64
        )
        time = torch.arange(self.parts * self.part_steps, dtype=torch.float64)[:, None, None] * self.dt / 1000
        angle = 2 * math.pi * (time * torch.tensor(FREQUENCIES, dtype=torch.float64) + phase)
        total = ((0.5 + 1.5 * amplitude) * angle.sin()).sum(-1)
        centred = total - total.mean(0)
        pattern: Tensor = centred / centred.std(0, correction=0)
        return pattern.float()

    def train_dataloader(self) -> DataLoader[Any]:
        """The pattern, as often as it is repeated: spikes ``[B, T, N]`` and targets ``[B, T, K]``."""
        return self._shown(self.repeats, self.batch_size)

    def val_dataloader(self) -> DataLoader[Any]:
        """The pattern once: it is generated, not recognised."""
        return self._shown(1, 1)

    def test_dataloader(self) -> DataLoader[Any]:
        """The pattern once."""
        return self._shown(1, 1)

    def predict_dataloader(self) -> DataLoader[Any]:
        """The pattern once."""
        return self._shown(1, 1)

    def _shown(self, times: int, size: int) -> DataLoader[Any]:
        trains, target = (x.expand(times, -1, -1) for x in (self.clock(), self.pattern()))
        return DataLoader(TensorDataset(trains, target), batch_size=size, drop_last=times > size)
