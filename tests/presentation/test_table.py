"""Features looked up by sample, and their computation shared among processes."""

import pytest
import torch

from lightning_snn.data import BatchLoader, ImageDataset
from lightning_snn.presentation.present import Presentation
from lightning_snn.presentation.table import BLOCK, BlockSource, FeatureTable, build_feature_table


def dataset(first, count):
    values = torch.arange(first, first + count)
    images = values.to(torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2)
    return ImageDataset(images.contiguous(), labels=values % 3, sample=values)


def loader(first, count, *, shuffle=False):
    return BatchLoader(dataset(first, count), batch_size=10, shuffle=shuffle)


class Show:
    """A presentation from which the image can be read back; remembers how many it showed."""

    def __init__(self):
        self.shown = 0

    def __call__(self, images):
        self.shown += len(images)
        value = 255 * images[:, 0, 0]
        return Presentation({"network": value, "random": -value}, value[:, :1], value[:, 1:])


def build(sources, *, rank=0, world_size=1, combine=lambda tensor: tensor, report=lambda _: None):
    show = Show()
    table = build_feature_table(
        sources, show, rank=rank, world_size=world_size, combine=combine, report=report
    )
    return table, show.shown


def test_looked_up_by_sample_in_any_order():
    table, shown = build([loader(20, 130, shuffle=True), loader(0, 15)])
    assert shown == 145
    found = table[torch.tensor([149, 3, 20, 3])]
    expected = torch.tensor([[149.0, 149.0], [3.0, 3.0], [20.0, 20.0], [3.0, 3.0]])
    torch.testing.assert_close(found.features["network"], expected)
    torch.testing.assert_close(found.features["random"], -expected)
    torch.testing.assert_close(found.rate, expected[:, :1])
    torch.testing.assert_close(found.sparsity, expected[:, 1:])


@pytest.mark.parametrize("sample", [17, 150, 100_000])
def test_an_unknown_sample(sample):
    table, _ = build([loader(20, 130), loader(0, 15)])
    with pytest.raises(KeyError, match="does not hold all of these samples"):
        table[torch.tensor([3, sample])]


def test_two_images_of_one_number():
    with pytest.raises(ValueError, match="sample"):
        build([loader(20, 30), BatchLoader(renumbered(dataset(0, 10), 20), batch_size=5, shuffle=False)])


def test_one_image_twice():
    """As with ``overfit_batches``, where the training images are validated on."""
    table, _ = build([loader(20, 30), loader(20, 30)])
    assert table[torch.tensor([25])].features["network"].tolist() == [[25.0, 25.0]]


def renumbered(data, first):
    return ImageDataset(data.images, labels=data.labels, sample=torch.arange(first, first + len(data)))


def test_reports_the_samples_done():
    done = []
    build([loader(20, 130), loader(0, 15)], report=done.append)
    assert done == [BLOCK, 130, 145]


@pytest.mark.parametrize("world_size", [2, 3, 5])
def test_processes_share_the_work(world_size):
    sources = [loader(20, 230), loader(0, 15)]
    whole, _ = build(sources)
    parts, counts = zip(
        *(build(sources, rank=rank, world_size=world_size) for rank in range(world_size)), strict=True
    )
    # what a process has not shown is zero, so the sum over processes is the whole table
    total = sum(part.rows.features["network"] for part in parts)
    assert torch.equal(total, whole.rows.features["network"])
    # a process without a block of its own first shows one, for the sizes
    assert max(counts) <= 2 * BLOCK + 15
    assert sum(part.rows.rate for part in parts).flatten().tolist() == whole.rows.rate.flatten().tolist()


def test_combines_each_tensor_once():
    seen = []
    build([loader(0, 150)], combine=lambda tensor: seen.append(list(tensor.shape)) or tensor)
    assert seen == [[150, 2], [150, 2], [150, 1], [150, 1]]


def test_what_can_hand_out_blocks():
    assert isinstance(loader(0, 20), BlockSource)
    assert not isinstance(torch.utils.data.DataLoader(dataset(0, 20)), BlockSource)


def test_numbers_need_not_be_contiguous():
    rows = Presentation({"network": torch.tensor([[1.0], [2.0]])}, torch.ones(2, 1), torch.ones(2, 1))
    table = FeatureTable(torch.tensor([1000, 3]), rows)
    assert table[torch.tensor([3, 1000])].features["network"].tolist() == [[2.0], [1.0]]
