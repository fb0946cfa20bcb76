"""Random manifolds of spike times: smooth, as the paper has them, and nothing but times tells classes."""

import math

import pytest
import torch

from lightning_snn import Latency, Randman
from lightning_snn.data.randman import random_manifold


def whole(data):
    data.setup()
    return data.train_set, data.val_set, data.test_set


def test_sizes_and_numbers():
    data = Randman(7, classes=3, samples=100, val_size=30, batch_size=10)
    parts = whole(data)
    assert [len(part) for part in parts] == [240, 30, 30]
    assert all(part.labels.bincount().tolist() == [len(part) // 3] * 3 for part in parts)
    assert len(torch.cat([part.sample for part in parts]).unique()) == 300
    assert next(iter(data.train_dataloader())).image.shape == (10, 1, *data.image_size)
    assert (data.num_classes, data.class_names) == (3, ("0", "1", "2"))


@pytest.mark.parametrize("timing", [True, False])
def test_every_unit_spikes_once(timing):
    train, *_ = whole(Randman(samples=50, val_size=0, timing=timing))
    spikes = Latency(100, cutoff=0.0)(train[torch.arange(200)].image.flatten(1), dt=1.0)
    assert torch.equal(spikes.sum(0), torch.ones(200, 20))
    assert len(spikes.argmax(0).unique()) > 90  # they use the whole presentation


def test_a_series_by_hand():
    drawn = torch.Generator().manual_seed(5)
    points = torch.tensor([[0.2, 0.7], [0.9, 0.1]], dtype=torch.float64)
    found = random_manifold(points, 3, smoothness=2.0, generator=torch.Generator().manual_seed(5))
    b, c = torch.rand(2, 3, 2, 32, generator=drawn, dtype=torch.float64)  # 32^-2 < 1e-3 < 31^-2
    for n, x in enumerate(points.tolist()):
        for i in range(3):
            product = 1.0
            for j in range(2):
                product *= sum(
                    k**-2.0
                    * math.sin(2 * math.pi * (k * x[j] * b[i, j, k - 1].item() + c[i, j, k - 1].item()))
                    for k in range(1, 33)
                )
            assert found[n, i].item() == pytest.approx(product, abs=1e-12)


def test_smoother_manifolds_change_less_from_point_to_point():
    points = torch.linspace(0, 1, 500, dtype=torch.float64)[:, None]

    def length(smoothness):
        curve = random_manifold(points, 40, smoothness=smoothness, generator=torch.Generator().manual_seed(0))
        spread = curve.amax(0) - curve.amin(0)
        return (curve.diff(dim=0).abs().sum(0) / spread).mean()

    assert length(1.0) > 2 * length(2.0)
    assert length(2.0) > length(4.0) > 1


def nearest(data):
    """Accuracy of the nearest training sample."""
    train, _, test = whole(data)
    x, y = (part.images.flatten(1).float() for part in (train, test))
    return (train.labels[torch.cdist(y, x).argmin(1)] == test.labels).float().mean().item()


def test_times_tell_the_classes_and_without_them_nothing_does():
    assert nearest(Randman(samples=200, val_size=0)) > 0.98
    assert nearest(Randman(samples=200, val_size=0, timing=False)) < 0.2


def test_seeds():
    first, other = (Randman(samples=20, val_size=0, seed=seed) for seed in (0, 1))
    assert all(torch.equal(a.images, b.images) for a, b in zip(whole(first), whole(other), strict=True))
    third = Randman(samples=20, val_size=0, split_seed=1)
    assert not torch.equal(whole(third)[2].images, whole(first)[2].images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 0}, r"data\.units must be a whole number above 0, got 0"),
        ({"classes": 1}, r"data\.classes must be at least 2, got 1"),
        ({"dimensions": 1.5}, r"data\.dimensions must be a whole number above 0"),
        ({"samples": 5}, r"data\.samples must be at least 10, got 5"),
        ({"smoothness": -1.0}, r"data\.smoothness must be a finite number above 0"),
        ({"timing": "no"}, r"data\.timing must be True or False, got 'no'"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        Randman(**options)
