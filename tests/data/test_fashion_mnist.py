import struct

import pytest
import torch

from lightning_snn.data import FashionMNIST

pytest.importorskip("torchvision")
COUNTS = {"train": 60, "t10k": 20}


@pytest.fixture
def root(tmp_path):
    """A folder in torchvision's layout: every image holds its own number, and class ``number % 10``."""
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in COUNTS.items():
        images = torch.arange(count, dtype=torch.uint8).reshape(-1, 1).expand(count, 784).contiguous()
        labels = (torch.arange(count) % 10).to(torch.uint8)
        head = struct.pack(">IIII", 2051, count, 28, 28)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(head + images.numpy().tobytes())
        head = struct.pack(">II", 2049, count)
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(head + labels.numpy().tobytes())
    return str(tmp_path)


def test_the_official_parts_are_kept_and_the_validation_set_is_drawn_from_the_first(root):
    data = FashionMNIST(root, val_size=20, batch_size=10)
    data.prepare_data()
    data.setup()
    assert (len(data.train_set), len(data.val_set), len(data.test_set)) == (40, 20, 20)
    assert torch.bincount(data.val_set.labels).tolist() == [2] * 10
    numbers = torch.cat([data.train_set.sample, data.val_set.sample, data.test_set.sample])
    assert numbers.sort().values.tolist() == list(range(80))
    assert torch.equal(data.test_set.sample, torch.arange(60, 80))
    for part, first in ((data.train_set, 0), (data.val_set, 0), (data.test_set, 60)):
        assert torch.equal(part.images[:, 0, 3, 4].long() + first, part.sample)
        assert torch.equal(part.labels, (part.sample - first) % 10)
    batch = next(iter(data.train_dataloader()))
    assert batch.image.shape == (10, 1, *FashionMNIST.image_size)


def test_there_is_a_name_for_each_class():
    assert len(set(FashionMNIST.class_names)) == FashionMNIST.num_classes


def test_a_missing_root_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="looked for in its subfolder FashionMNIST/raw"):
        FashionMNIST(str(tmp_path / "missing")).prepare_data()


def test_errors():
    with pytest.raises(ValueError, match=r"data\.batch_size must .*got 0"):
        FashionMNIST("somewhere", batch_size=0)
