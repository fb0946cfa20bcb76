"""Evidence accumulation: cues on two sides, a delay, and the question on which side there were more."""

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.random import RandomStream
from lightning_snn.core.time import whole_steps
from lightning_snn.data.grey_images import GreyImages
from lightning_snn.data.spike_trains import SpikeTrains


class EvidenceAccumulation(GreyImages):
    """Spike trains of a rodent that runs past cues: it has to turn to the side of which it saw more.

    Four groups of neurons spike at random: one while a cue shows on the left, one while it shows on the
    right, one while the decision is asked for, and one all the time. The cues follow each other with pauses
    between them, then comes the delay, then the question. Class 1 where more cues were on the right.

    Args:
        samples: Trials to train and validate on.
        test_samples: Trials to test on.
        cues: Number of cues, odd.
        neurons: Neurons of each group.
        cue_time: How long a cue shows, in ms.
        pause: Time from its end to the next, or to the delay, in ms.
        delay: Time with nothing to see, in ms.
        question: How long the decision is asked for, in ms.
        rate: Rate of a group while it is active, in Hz.
        noise: Rate of the fourth group, in Hz.
        chance: Probability that a cue is on the side of the majority, drawn anew for each trial.
        dt: Step in ms, that of the network; the times are whole numbers of it.
        batch_size: Trials of a training batch, over all processes; an incomplete one is left out.
        eval_batch_size: Trials of a batch to validate, test or predict, over all processes.
        val_size: Trials to validate on; with 0 there is no validation.
        split_seed: Of the trials and the splits.
        seed: Of the order of training batches, and of nothing else; by default the run's, or one by torch's
            generator.

    Raises:
        ValueError: if an argument is out of its range.

    Source: Morcos and Harvey, Nat. Neurosci. 19 (2016); as a task for networks: Bellec et al., Nat. Commun.
    11 (2020), fig. 3, with 7 cues of 100 ms, pauses of 50 ms, and a delay of 500 to 1,500 ms.
    """

    num_classes = 2
    class_names = ("left", "right")

    def __init__(
        self,
        samples: int = 2200,
        test_samples: int = 500,
        *,
        cues: int = 7,
        neurons: int = 10,
        cue_time: float = 20.0,
        pause: float = 10.0,
        delay: float = 300.0,
        question: float = 40.0,
        rate: float = 100.0,
        noise: float = 10.0,
        chance: float = 0.7,
        dt: float = 1.0,
        batch_size: int = 50,
        eval_batch_size: int = 250,
        val_size: int = 200,
        split_seed: int = 0,
        seed: int | None = None,
    ) -> None:
        for name, value in {
            "samples": samples,
            "test_samples": test_samples,
            "cues": cues,
            "neurons": neurons,
        }.items():
            checks.count(f"data.{name}", value)
        if cues % 2 == 0:
            raise ValueError(f"data.cues must be odd, so that one side has more, got {cues}")
        checks.positive("data.dt", dt)
        times = {"cue_time": cue_time, "pause": pause, "delay": delay, "question": question}
        for name, time in times.items():
            checks.non_negative(f"data.{name}", time)
        self.steps = {name: whole_steps(f"data.{name}", value, dt) for name, value in times.items()}
        for name, hertz in {"rate": rate, "noise": noise}.items():
            checks.between(f"data.{name}", hertz, 0, 1000 / dt)
        checks.between("data.chance", chance, 0.5, 1)
        super().__init__(
            batch_size=batch_size, eval_batch_size=eval_batch_size, val_size=val_size, split_seed=split_seed,
            seed=seed,
        )  # fmt: skip
        self.samples, self.test_samples = samples, test_samples
        self.cues, self.neurons, self.dt = cues, neurons, dt
        self.rate, self.noise, self.chance = rate, noise, chance

    @property
    def num_inputs(self) -> int:
        """Neurons of all groups."""
        return 4 * self.neurons

    @property
    def num_steps(self) -> int:
        """Steps of a trial."""
        s = self.steps
        return self.cues * (s["cue_time"] + s["pause"]) + s["delay"] + s["question"]

    def read(self) -> tuple[SpikeTrains, SpikeTrains]:
        """Trials to train and validate on, and those to test on."""
        return self._trials(self.samples, 0), self._trials(self.test_samples, self.samples)

    def _trials(self, count: int, first: int) -> SpikeTrains:
        generator = RandomStream(self.split_seed, "evidence").torch(first)
        majority = torch.randint(2, (count, 1), generator=generator)
        agree = torch.rand(count, self.cues, generator=generator) < self.chance
        right = torch.where(agree, majority, 1 - majority)
        rates = self._rates(right)
        trains = torch.rand(rates.shape, generator=generator) < rates * (self.dt / 1000)
        label = (2 * right.sum(1) > self.cues).long()
        return SpikeTrains(trains, labels=label, sample=torch.arange(first, first + count))

    def _rates(self, right: Tensor) -> Tensor:
        """Rates in Hz ``[n, T, 4 neurons]`` of trials whose cues are on the right, or not, ``[n, cues]``."""
        s, n = self.steps, self.neurons
        rates = torch.zeros(len(right), self.num_steps, 4, n)
        for cue in range(self.cues):
            start = cue * (s["cue_time"] + s["pause"])
            for side in (0, 1):
                shown = (right[:, cue] == side).float()[:, None, None]
                rates[:, start : start + s["cue_time"], side] = self.rate * shown
        rates[:, self.num_steps - s["question"] :, 2] = self.rate
        rates[:, :, 3] = self.noise
        return rates.flatten(2)
