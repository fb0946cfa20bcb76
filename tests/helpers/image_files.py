"""Files of images in place of a download, and which data need them."""

import struct

import torch


def write_noise(root):
    """Write ``MNIST/raw`` and ``FashionMNIST/raw`` into a folder, as torchvision stores them."""
    generator = torch.Generator().manual_seed(0)
    for name in ("MNIST", "FashionMNIST"):
        folder = root / name / "raw"
        folder.mkdir(parents=True)
        for part, count in (("train", 6000), ("t10k", 100)):
            pixels = torch.randint(0, 256, (count, 28, 28), generator=generator, dtype=torch.uint8)
            labels = (torch.arange(count) % 10).to(torch.uint8)
            head = struct.pack(">IIII", 0x803, count, 28, 28)
            (folder / f"{part}-images-idx3-ubyte").write_bytes(head + pixels.numpy().tobytes())
            head = struct.pack(">II", 0x801, count)
            (folder / f"{part}-labels-idx1-ubyte").write_bytes(head + labels.numpy().tobytes())


def needs_files(data):
    """Whether the ``data`` of a recipe, as its file has them, are read from a folder."""
    return data["class_path"].endswith("FashionMNIST") or data["init_args"].get("source") == "torchvision"
