"""Which samples have labels where only few have."""

import torch

from lightning_snn import MNIST
from lightning_snn.data import BatchLoader, ImageDataset
from lightning_snn.data.splits import in_turn


def dataset(labels):
    count = len(labels)
    images = torch.zeros(count, 1, 2, 2, dtype=torch.uint8)
    labels = torch.tensor(labels, dtype=torch.int64)
    return ImageDataset(images, labels=labels, sample=10 * torch.arange(count))


def test_classes_in_turn_each_in_order():
    data = dataset([2, 2, 0, 2, 1, 0, 2])
    assert data.labelled().tolist() == [20, 40, 0, 50, 10, 30, 60]
    assert data.labelled(4).tolist() == [20, 40, 0, 50]
    assert len(dataset([]).labelled()) == 0


def test_a_class_without_samples_is_passed_over():
    assert in_turn(torch.tensor([3, 0, 3])).tolist() == [1, 0, 2]


def test_the_labelled_digits_are_balanced_nested_and_those_of_the_split():
    data = MNIST(seed=0)
    hundred = data.labelled(100)
    labels = dict(zip(data.train_set.sample.tolist(), data.train_set.labels.tolist(), strict=True))
    assert torch.tensor([labels[n] for n in hundred.tolist()]).bincount().tolist() == [10] * 10
    assert torch.equal(data.labelled(30), hundred[:30])
    assert sorted(data.labelled().tolist()) == sorted(labels)
    assert torch.equal(MNIST(seed=5, batch_size=7).labelled(100), hundred)
    assert torch.equal(data.train_dataloader().labelled(100), hundred)
    assert not torch.equal(MNIST(split_seed=1).labelled(100), hundred)


def test_the_loader_says_it_on_every_process():
    data = dataset([0, 1] * 4)
    loaders = [BatchLoader(data, batch_size=4, shuffle=True, rank=rank, world_size=2) for rank in (0, 1)]
    assert torch.equal(loaders[0].labelled(3), loaders[1].labelled(3))
