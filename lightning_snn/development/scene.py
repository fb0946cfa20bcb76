"""What stimuli may show of data."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.utils.data import IterableDataset

from lightning_snn.core import checks
from lightning_snn.data import ImageDataset, pad_sequences
from lightning_snn.encoders import Encoder
from lightning_snn.stimuli import Scene


def scene_of(trainer: Trainer, pl_module: LightningModule, num_streams: int) -> Scene:
    """The training data, its labels for stimuli that reward, and the module's encoders.

    Where a loader trains on a part of the images alone, as few have labels, they are all its `unlabelled`.

    Raises:
        ValueError: if the training loader has no data set that can be indexed, or the module no encoders.
    """
    loader: Any = trainer.train_dataloader
    dataset: Any = getattr(loader, "unlabelled", getattr(loader, "dataset", None))
    encoders = getattr(pl_module, "encoders", None)
    if not hasattr(dataset, "__getitem__") or not isinstance(encoders, Mapping):
        raise ValueError(
            "the stimulus Images needs a training loader with an indexable `dataset` and a module with "
            f"`encoders` by input layer, got {_kind(loader, dataset)} and "
            f"{type(pl_module).__name__}"
        )
    return scene(dataset, encoders, num_streams)


def scene(dataset: Any, encoders: Mapping[str, Encoder], num_streams: int) -> Scene:
    """The samples of a data set: a tensor or array of images, or anything with numbered samples and a length.

    A sample is what an encoder takes, or a tuple that begins with it and may go on with a label.

    Raises:
        ValueError: if its samples are not numbered.
    """
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__"):
        raise ValueError(
            f"the stimulus Images shows samples by their number, which {type(dataset).__name__} has none of: "
            "give a data set with __getitem__ and __len__"
        )
    if isinstance(dataset, ImageDataset):
        numbered: ImageDataset = dataset
        return Scene(
            lambda numbers: numbered[numbers].image,
            len(numbered),
            encoders,
            num_streams,
            lambda numbers: numbered.labels[numbers],
        )
    first = dataset[0]
    labelled = isinstance(first, tuple | list) and len(first) > 1
    labels = partial(_labels, dataset) if labelled else None
    return Scene(partial(_inputs, dataset), len(dataset), encoders, num_streams, labels)


def _kind(loader: Any, dataset: Any) -> str:
    return (
        type(loader).__name__ if dataset is None else f"{type(loader).__name__} of {type(dataset).__name__}"
    )


def _inputs(dataset: Any, numbers: Tensor) -> Any:
    """Inputs of a data set whose samples are inputs, or tuples that begin with one."""
    samples = [dataset[number] for number in numbers.tolist()]
    return _together([sample[0] if isinstance(sample, tuple | list) else sample for sample in samples])


def _together(inputs: list[Any]) -> Any:
    """Inputs as a batch: by layer where they are dictionaries, padded where sequences differ in length."""
    if isinstance(inputs[0], Mapping):
        return {name: _together([one[name] for one in inputs]) for name in inputs[0]}
    values = [torch.as_tensor(one, dtype=torch.float32) for one in inputs]
    if len({value.shape for value in values}) > 1:
        return pad_sequences(values)
    return torch.stack(values)


def _labels(dataset: Any, numbers: Tensor) -> Tensor:
    found = [torch.as_tensor(dataset[number][1]) for number in numbers.tolist()]
    return checks.labels(torch.stack(found).cpu())
