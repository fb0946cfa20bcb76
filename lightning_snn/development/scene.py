"""What stimuli may show of a Trainer's data."""

from functools import partial
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.data import ImageDataset
from lightning_snn.stimuli import Scene


def scene_of(trainer: Trainer, pl_module: LightningModule, num_streams: int) -> Scene:
    """The training images, their labels for stimuli that reward, and the module's encoder.

    Raises:
        ValueError: if the training loader has no data set that can be indexed, or the module no encoder.
    """
    dataset: Any = getattr(trainer.train_dataloader, "dataset", None)
    encoder = getattr(pl_module, "encoder", None)
    if not hasattr(dataset, "__getitem__") or encoder is None:
        raise ValueError(
            "the stimulus Images needs a training loader with an indexable `dataset` and a module with an "
            f"`encoder`, got {type(trainer.train_dataloader).__name__} and {type(pl_module).__name__}"
        )

    if isinstance(dataset, ImageDataset):
        numbered: ImageDataset = dataset
        return Scene(
            lambda numbers: numbered[numbers].image,
            len(numbered),
            encoder,
            num_streams,
            lambda numbers: numbered.labels[numbers],
        )
    first = dataset[0]
    labelled = isinstance(first, tuple | list) and len(first) > 1
    labels = partial(_labels, dataset) if labelled else None
    return Scene(partial(_images, dataset), len(dataset), encoder, num_streams, labels)


def _images(dataset: Any, numbers: Tensor) -> Tensor:
    """Images of a data set whose samples are images, or tuples that begin with one."""
    samples = [dataset[number] for number in numbers.tolist()]
    images = [sample[0] if isinstance(sample, tuple | list) else sample for sample in samples]
    return torch.stack([torch.as_tensor(image, dtype=torch.float32) for image in images])


def _labels(dataset: Any, numbers: Tensor) -> Tensor:
    found = [torch.as_tensor(dataset[number][1]) for number in numbers.tolist()]
    return checks.labels(torch.stack(found).cpu())
