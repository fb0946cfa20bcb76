"""Images of which some are to be answered by spikes: the answer is rewarded."""

from collections.abc import Iterable

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.encoders import Encoder
from lightning_snn.stimuli.images import Images


class RewardedImages(Images):
    """As `Images`; the layer that learns is to spike ``goal`` times for one class, and not at all for others.

    After each image its stream gets, once, the reward

        r = (wanted - spikes) / goal, kept in [-1, 1],   wanted = goal for images of the class, else 0

    A number for the whole layer and presentation: no neuron is told what it should have done. With several
    ``num_rewards`` one comes at the end of each of as many parts of the presentation, for the spikes in it:

        r = (wanted / num_rewards - spikes) / goal,   kept in [-1, 1] / num_rewards

    (It is graded,
    and with one output close to an error signal; a plain +1 or -1 did not learn XOR at the settings tried.)

    Args:
        encoder: As in `Images`.
        positive: The class that is to be answered.
        goal: Spikes of the layer, summed over its neurons, that earn the full reward.
        num_rewards: Rewards of a presentation, evenly spread.
        num_images: As in `Images`.
        layer: As in `Images`.
        seed: As in `Images`.

    Raises:
        ValueError: if the goal or the number of rewards is not positive, or as in `Images`.

    Source: the task of Florian, Neural Computation 19 (2007), section 4.1, with the reward graded.
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        *,
        positive: int = 1,
        goal: float = 40.0,
        num_rewards: int = 1,
        num_images: int | None = None,
        layer: str | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(encoder, num_images=num_images, layer=layer, seed=seed)
        checks.whole("positive", positive)
        checks.positive("goal", goal)
        checks.count("num_rewards", num_rewards)
        self.positive = positive
        self.goal = goal
        self.num_rewards = num_rewards

    def reward(self, post: Tensor, streams: Iterable[int], round_number: int) -> Tensor:
        """Rewards ``[S]`` for spikes ``[T, S, N]``, or with several of a presentation ``[T, S]``.

        Raises:
            ValueError: if the images have no labels, or there are more rewards than steps.
        """
        labels = self.scene.labels
        if labels is None:
            raise ValueError("rewards need images with labels, and the training data has none")
        steps, parts = len(post), self.num_rewards
        if parts > steps:
            raise ValueError(f"num_rewards must be at most the steps of a presentation, {steps}, got {parts}")
        wanted = self.goal * (labels(self.shown(streams, round_number)) == self.positive)
        ends = [steps * (k + 1) // parts for k in range(parts)]
        counts = torch.stack([part.sum((0, 2)) for part in post.tensor_split(ends[:-1])])
        found = ((wanted.to(post) / parts - counts) / self.goal).clamp(-1 / parts, 1 / parts)
        if parts == 1:
            return found[0]
        rewards = found.new_zeros(post.shape[:2])
        rewards[torch.tensor(ends) - 1] = found
        return rewards
