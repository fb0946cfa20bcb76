import pytest
import torch
from torch.utils.data import DataLoader

from lightning_snn.data import Batch, BatchLoader, ImageDataset


def dataset(samples=23):
    """Sample i has grey value i, label i % 10 and number 100 + i."""
    number = torch.arange(samples)
    images = number.to(torch.uint8)[:, None, None, None].expand(-1, 1, 2, 3)
    return ImageDataset(images, labels=number % 10, sample=number + 100)


def indices(batches):
    return [batch.sample.tolist() for batch in batches]


def loaders(world_size, **options):
    return [BatchLoader(dataset(), rank=rank, world_size=world_size, **options) for rank in range(world_size)]


def test_dataset_converts_to_float_and_keeps_the_order():
    batch = dataset()[torch.tensor([5, 2])]
    assert isinstance(batch, Batch)
    assert batch.image.shape == (2, 1, 2, 3)
    assert batch.image.dtype == torch.float32
    assert torch.equal(batch.image[:, 0, 0, 0], torch.tensor([5.0, 2.0]) / 255)
    assert batch.label.tolist() == [5, 2]
    assert batch.sample.tolist() == [105, 102]


def test_dataset_takes_any_number_of_channels():
    images = torch.arange(3 * 4 * 2 * 2, dtype=torch.uint8).reshape(3, 4, 2, 2)
    data = ImageDataset(images, labels=torch.arange(3), sample=torch.arange(3))
    assert torch.equal(data[torch.tensor([2, 0])].image, images[[2, 0]] / 255)


def test_white_is_exactly_one():
    white = torch.full((1, 1, 2, 2), 255, dtype=torch.uint8)
    data = ImageDataset(white, labels=torch.tensor([0]), sample=torch.tensor([0]))
    assert (data[torch.tensor([0])].image == 1).all()


def test_subset_keeps_numbers():
    part = dataset().subset(torch.tensor([4, 1])).subset(torch.tensor([1]))
    assert len(part) == 1
    assert part.sample.tolist() == [101]
    assert part.labels.tolist() == [1]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            torch.zeros(3, 2, 2, dtype=torch.uint8),
            r"uint8 \[n, C, H, W\], got torch.uint8 of shape \[3, 2, 2\]",
        ),
        (torch.zeros(3, 1, 2, 2), r"images must be uint8 .*, got torch.float32"),
    ],
)
def test_dataset_refuses_other_images(images, message):
    with pytest.raises(ValueError, match=message):
        ImageDataset(images, labels=torch.arange(3), sample=torch.arange(3))


@pytest.mark.parametrize("name", ["labels", "sample"])
@pytest.mark.parametrize("value", [torch.arange(2), torch.arange(3.0), torch.arange(3)[:, None]])
def test_dataset_refuses_other_labels_and_numbers(name, value):
    given = {"labels": torch.arange(3), "sample": torch.arange(3), name: value}
    with pytest.raises(
        ValueError, match=rf"{name} must be integers \[n\] with one entry for each of the 3 images"
    ):
        ImageDataset(torch.zeros(3, 1, 2, 2, dtype=torch.uint8), **given)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_dataset_takes_every_integer_type(dtype):
    data = ImageDataset(
        torch.zeros(3, 1, 2, 2, dtype=torch.uint8),
        labels=torch.arange(3, dtype=dtype),
        sample=torch.arange(3, dtype=dtype),
    )
    batch = data[torch.arange(3)]
    assert batch.label.tolist() == batch.sample.tolist() == [0, 1, 2]
    assert batch.label.dtype == batch.sample.dtype == torch.int64


def test_dataset_refuses_a_number_twice():
    with pytest.raises(ValueError, match="sample must hold each number once"):
        ImageDataset(
            torch.zeros(2, 1, 2, 2, dtype=torch.uint8), labels=torch.arange(2), sample=torch.tensor([7, 7])
        )


def test_training_epoch_drops_only_the_incomplete_batch():
    loader = BatchLoader(dataset(), batch_size=4, shuffle=True)
    epochs = [[index for batch in indices(loader) for index in batch] for _ in range(3)]
    assert [len(set(epoch)) for epoch in epochs] == [20, 20, 20]
    assert len(loader) == 5
    assert len({frozenset(epoch) for epoch in epochs}) == 3
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_order_is_given_by_the_seed():
    first, same, other = (BatchLoader(dataset(), batch_size=4, shuffle=True, seed=seed) for seed in (3, 3, 4))
    assert [indices(first), indices(first)] == [indices(same), indices(same)]
    assert indices(first) != indices(other)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("world_size", [2, 4])
def test_global_batches_are_the_same_for_any_number_of_processes(world_size, shuffle):
    (alone,) = loaders(1, batch_size=8, shuffle=shuffle)
    together = loaders(world_size, batch_size=8, shuffle=shuffle)
    for _ in range(2):
        expected = indices(alone)
        parts = [indices(loader) for loader in together]
        for number, batch in enumerate(expected):
            for rank, part in enumerate(parts):
                assert part[number] == batch[rank::world_size]


@pytest.mark.parametrize("world_size", [1, 2, 3, 4])
@pytest.mark.parametrize("batch_size", [4, 5, 11, 23, 50])
def test_evaluation_covers_each_sample_once(world_size, batch_size):
    parts = loaders(world_size, batch_size=batch_size, shuffle=False)
    seen = sorted(index for loader in parts for batch in loader for index in batch.sample.tolist())
    assert seen == list(range(100, 123))
    for loader in parts:
        assert len(loader) == len(indices(loader))
        assert all(len(batch.sample) for batch in loader)


def test_processes_without_a_share_of_the_last_batch_skip_it():
    assert [len(loader) for loader in loaders(4, batch_size=7, shuffle=False)] == [4, 4, 3, 3]


def test_evaluation_keeps_the_order():
    loader = BatchLoader(dataset(), batch_size=10, shuffle=False)
    assert indices(loader) == [list(range(100, 110)), list(range(110, 120)), [120, 121, 122]]


def test_an_epoch_left_early_is_followed_by_a_new_one():
    loader, whole = (BatchLoader(dataset(), batch_size=4, shuffle=True) for _ in range(2))
    first, second = indices(whole), indices(whole)
    iterator = iter(loader)
    assert next(iterator).sample.tolist() == first[0]
    iter(loader)  # never advanced: no epoch
    assert indices(loader) == second


@pytest.mark.parametrize("world_size", [1, 2])
@pytest.mark.parametrize("batches", [0, 1, 4, 5, 7, 10])
def test_state_resumes_behind_the_last_batch(batches, world_size):
    def three_epochs(loader):
        return [batch for _ in range(3) for batch in loader]

    everything = indices(three_epochs(BatchLoader(dataset(), batch_size=4, shuffle=True)))
    loader = BatchLoader(dataset(), batch_size=4, shuffle=True)
    iterator = (batch for _ in range(3) for batch in loader)
    for _ in range(batches):
        next(iterator)
    state = loader.state_dict()
    assert all(type(value) is int for value in state.values())

    for rank in range(world_size):
        resumed = BatchLoader(dataset(), batch_size=4, shuffle=True, rank=rank, world_size=world_size)
        resumed.load_state_dict(state)
        assert resumed.state_dict() == state
        rest = indices(three_epochs(resumed))
        expected = [batch[rank::world_size] for batch in everything[batches:]]
        assert rest[: len(expected)] == expected


def test_state_behind_the_limit_starts_the_next_epoch():
    whole = BatchLoader(dataset(), batch_size=4, shuffle=True)
    first, second = indices(whole), indices(whole)
    for limit, expected in ((3, first[2:]), (2, second), (0.4, second), (0.6, first[2:])):
        loader = BatchLoader(dataset(), batch_size=4, shuffle=True, limit=limit)
        loader.load_state_dict({"epoch": 0, "position": 2, "seed": 0})
        assert indices(loader) == expected


def test_set_epoch_chooses_the_next_permutation():
    loader, whole = (BatchLoader(dataset(), batch_size=4, shuffle=True) for _ in range(2))
    epochs = [indices(whole) for _ in range(3)]
    loader.set_epoch(2)
    assert indices(loader) == epochs[2]
    loader.batch_sampler.sampler.set_epoch(1)
    assert indices(loader) == epochs[1]


def test_blocks_are_every_sample_in_order_on_every_process():
    for loader in loaders(2, batch_size=4, shuffle=True):
        blocks = indices(loader.blocks(10))
        assert blocks == [list(range(100, 110)), list(range(110, 120)), [120, 121, 122]]
        assert loader.state_dict() == {"epoch": 0, "position": 0, "seed": 0}
    with pytest.raises(ValueError, match="size must be a whole number above 0, got 0"):
        next(loader.blocks(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "data.batch_size must be a whole number above 0, got 0"),
        ({"batch_size": 24}, "data.batch_size must be at most the number of training samples, 23, got 24"),
        (
            {"batch_size": 9, "world_size": 2},
            "data.batch_size counts .* multiple of their number, got 9 for 2 processes",
        ),
        (
            {"batch_size": 2, "world_size": 4},
            "data.batch_size counts .* at least their number, got 2 for 4 processes",
        ),
        (
            {"batch_size": 2, "world_size": 4, "shuffle": False},
            "data.eval_batch_size counts .* at least their number, got 2 for 4 processes",
        ),
        ({"batch_size": 0, "shuffle": False}, "data.eval_batch_size must be a whole number above 0"),
        ({"rank": 2, "world_size": 2}, "rank must lie between 0 and 1, got 2"),
        ({"world_size": 0}, "world_size must be a whole number above 0, got 0"),
        ({"seed": -1}, "data.seed must be a whole number, 0 or above, got -1"),
    ],
)
def test_loader_errors(options, message):
    with pytest.raises(ValueError, match=message):
        BatchLoader(dataset(), **{"batch_size": 4, "shuffle": True} | options)


def test_lightning_must_not_take_it_for_a_torch_loader():
    loader = BatchLoader(dataset(), batch_size=4, shuffle=True)
    assert not isinstance(loader, DataLoader)
    assert not hasattr(loader, "sampler")  # Trainer(overfit_batches=...) would rebuild it
