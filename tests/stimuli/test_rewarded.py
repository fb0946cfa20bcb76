import pytest
import torch

from lightning_snn import Poisson, RewardedImages
from lightning_snn.stimuli import Scene

IMAGES = torch.rand(6, 1, 2, 2, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 1, 0, 2, 1])


def attached(labels=LABELS, **options):
    stimulus = RewardedImages(**options)
    look_up = None if labels is None else labels.__getitem__
    stimulus.attach(Scene(IMAGES.__getitem__, len(IMAGES), {"a": Poisson(5, seed=None)}, 6, look_up))
    return stimulus


def responses(counts):
    """Spikes ``[T, S, 2]`` of two neurons that add up to ``counts`` in each stream."""
    post = torch.zeros(20, len(counts), 2)
    for stream, count in enumerate(counts):
        post[:count, stream, stream % 2] = 1
    return post


def test_the_reward_is_what_is_missing_or_too_much():
    stimulus = attached(goal=10.0)
    labels = LABELS[stimulus.shown(range(6), 3)]
    assert labels.sort().values.tolist() == [0, 0, 1, 1, 1, 2]
    counts = [0, 4, 10, 20, 5, 2]
    found = stimulus.reward(responses(counts), range(6), 3)
    wanted = [10 if label == 1 else 0 for label in labels.tolist()]
    expected = [max(-1, min(1, (w - c) / 10)) for w, c in zip(wanted, counts, strict=True)]
    assert found.tolist() == pytest.approx(expected)


def test_another_class_can_be_the_one_that_is_answered():
    stimulus = attached(positive=2)
    labels = LABELS[stimulus.shown(range(6), 0)]
    assert torch.equal(stimulus.reward(responses([0] * 6), range(6), 0), (labels == 2).float())


def test_a_stream_gets_the_reward_of_its_own_image_wherever_it_runs():
    stimulus, post = attached(), responses([3, 1, 4, 1, 5, 9])
    whole = stimulus.reward(post, range(6), 2)
    parts = [stimulus.reward(post[:, part], part, 2) for part in ([0, 1, 2], [3, 4, 5])]
    assert torch.equal(torch.cat(parts), whole)


def test_several_rewards_of_an_image_are_for_the_spikes_before_them():
    stimulus, post = attached(goal=10.0, num_rewards=3), responses([0, 4, 10, 20, 5, 2])
    wanted = 10 * (LABELS[stimulus.shown(range(6), 1)] == 1) / 3
    found = stimulus.reward(post, range(6), 1)
    assert found.shape == (20, 6)
    assert found.any(1).nonzero()[:, 0].tolist() == [5, 12, 19]
    for end, part in ((5, slice(0, 6)), (12, slice(6, 13)), (19, slice(13, 20))):
        missing = (wanted - post[part].sum((0, 2))) / 10
        torch.testing.assert_close(found[end], missing.clamp(-1 / 3, 1 / 3))


def test_errors():
    with pytest.raises(ValueError, match="num_rewards must be a whole number above 0, got 0"):
        RewardedImages(num_rewards=0)
    with pytest.raises(
        ValueError, match="num_rewards must be at most the steps of a presentation, 20, got 21"
    ):
        attached(num_rewards=21).reward(responses([1] * 6), range(6), 0)
    with pytest.raises(ValueError, match="rewards need images with labels"):
        attached(labels=None).reward(responses([1] * 6), range(6), 0)
    with pytest.raises(ValueError, match="goal must be a finite number above 0, got 0"):
        RewardedImages(goal=0.0)
