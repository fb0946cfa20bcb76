"""Perturbed test sets of a data module: their names, loaders, and what is refused."""

import pytest
import torch
from torch.nn import functional as F

from lightning_snn import MNIST, FashionMNIST, GaussianNoise, Occlusion, Shift
from lightning_snn.data import BatchLoader, PerturbedSet


def whole(loader):
    return torch.cat([batch.image for batch in loader])


def test_without_perturbations_there_is_one_loader_as_ever():
    data = MNIST()
    assert isinstance(data.test_dataloader(), BatchLoader)
    assert data.test_dataloader().test_name == ""


def test_the_clean_images_come_first_then_every_strength():
    data = MNIST(perturbations={"moved": [Shift(2), Shift(4)], "covered": Occlusion(5)})
    clean, *others = data.test_dataloader()
    assert torch.equal(whole(clean), whole(MNIST().test_dataloader()))
    assert [loader.test_name for loader in others] == ["moved", "moved_4", "covered"]
    assert [loader.dataset.name for loader in others] == ["moved", "moved", "covered"]
    batches = list(others[1])
    part = data.test_set[torch.arange(len(data.test_set))]
    assert torch.equal(torch.cat([batch.sample for batch in batches]), part.sample)
    assert torch.equal(torch.cat([batch.label for batch in batches]), part.label)
    assert torch.equal(whole(others[1]), Shift(4)(part.image, part.sample))
    assert isinstance(data.predict_dataloader(), BatchLoader)
    assert data.predict_dataloader().test_name == ""


def test_words_are_short_forms():
    loaders = MNIST(perturbations=["shifted", "noise", "salt_and_pepper", "occluded"]).test_dataloader()
    assert [loader.test_name for loader in loaders] == [
        "", "shifted", "noise", "salt_and_pepper", "occluded",
    ]  # fmt: skip
    assert [loader.dataset.perturbation.strength for loader in loaders[1:]] == [2, 0.4, 0.2, 8]


def test_neither_the_seed_nor_batches_nor_processes_change_the_images():
    options = {"perturbations": ["noise"]}
    first, other = (MNIST(seed=seed, **options).test_dataloader()[1] for seed in (0, 1))
    expected = whole(first)
    assert torch.equal(whole(other), expected)
    assert torch.equal(whole(MNIST(eval_batch_size=7, **options).test_dataloader()[1]), expected)
    second = BatchLoader(first.dataset, batch_size=100, shuffle=False, rank=1, world_size=2)
    assert torch.equal(whole(second), expected[1::2])
    clean, noisy = (
        loader.dataset[torch.arange(1)] for loader in MNIST(split_seed=1, **options).test_dataloader()
    )
    assert torch.equal(noisy.image, GaussianNoise(0.4)(clean.image, clean.sample, seed=1))
    assert not torch.equal(noisy.image, GaussianNoise(0.4)(clean.image, clean.sample))


def test_a_run_that_goes_on_may_be_tested_on_others():
    plain = MNIST(seed=0)
    assert MNIST(seed=0, perturbations={"moved": Shift(2)}).state_dict() == plain.state_dict()


def test_fashion_mnist(image_files):
    data = FashionMNIST(str(image_files), val_size=10, perturbations=["shifted"])
    assert [loader.test_name for loader in data.test_dataloader()] == ["", "shifted"]


def test_perturbed_digits_are_digits():
    _, shifted = MNIST(perturbations={"shifted": Shift(1)}).test_dataloader()
    assert isinstance(shifted.dataset, PerturbedSet)
    clean, moved = MNIST().predict_dataloader().dataset[torch.arange(300)].image, whole(shifted)[:300]
    ink = clean.sum((1, 2, 3))
    assert ((moved.sum((1, 2, 3)) - ink).abs() < 0.02 * ink).float().mean() > 0.9  # digits have margins
    best = torch.stack(
        [F.pad(clean, [1] * 4)[..., i : i + 28, j : j + 28] for i in range(3) for j in range(3)]
    )
    assert ((best - moved).abs().sum((2, 3, 4)).amin(0) == 0).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ["shiftd"],
            "data.perturbations must be one of noise, occluded, salt_and_pepper, shifted, got 'shiftd'",
        ),
        ("shiftd", "data.perturbations must be one of .*, got 'shiftd'"),
        (["noise", "noise"], r"data.perturbations must differ, got \['noise', 'noise'\]"),
        ({"a b": Shift(2)}, r"names of data.perturbations must be identifiers .*, got 'a b'"),
        ({"clean": Shift(2)}, r"names of data.perturbations must be .* none of clean, .*, got 'clean'"),
        ({"moved": []}, r"data.perturbations.moved must be a Perturbation, such as Shift\(2\), or a list"),
        ({"moved": "shifted"}, "data.perturbations.moved must be a Perturbation, .*, got 'shifted'"),
        (
            {"moved": [Shift(2), Shift(1), Shift(2)]},
            "perturbations.moved must differ in strength, got 2, 1, 2",
        ),
        (
            {"moved": [Shift(2), Occlusion(5)]},
            "data.perturbations.moved must be strengths of one kind, got Shift, Occlusion",
        ),
        (
            {"moved_2": Shift(2)},
            "must be .* not end in _ and a number as those of strengths do, got 'moved_2'",
        ),
        ({"moved": [Shift(2), Shift(28)]}, "data.perturbations.moved.pixels must be at most 27 .*, got 28"),
        ({"covered": Occlusion(29)}, "data.perturbations.covered.size must be at most 28 .*, got 29"),
    ],
)
def test_what_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        MNIST(perturbations=given)
