"""What development finds in a module and its Trainer: the stack, and images to show."""

from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.data import ImageDataset
from lightning_snn.network import SpikingStack
from lightning_snn.stimuli import Scene, Stimulus
from lightning_snn.trainer.phase_log import PREFIX


def stack_of(pl_module: LightningModule) -> SpikingStack:
    """The module's stack; raises ``ValueError`` if it has none."""
    stack = getattr(pl_module, "stack", None)
    if not isinstance(stack, SpikingStack):
        raise ValueError(
            "SelfOrganization needs a module with a SpikingStack named `stack`, "
            f"got {type(pl_module).__name__}"
        )
    return stack


def check_names(stimulus: Stimulus | dict[str, Stimulus], stack: SpikingStack) -> None:
    """Raise ``ValueError`` if stimuli are given for layers that have no projection."""
    if isinstance(stimulus, dict) and set(stimulus) - set(stack.projections):
        raise ValueError(
            f"{PREFIX}.stimulus must name layers of {sorted(stack.projections)}, got {sorted(stimulus)}"
        )


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

    def images(numbers: Tensor) -> Tensor:
        if isinstance(dataset, ImageDataset):
            return dataset[numbers].image
        return torch.stack([_image(dataset[number]) for number in numbers.tolist()])

    def labels(numbers: Tensor) -> Tensor:
        if isinstance(dataset, ImageDataset):
            return dataset.labels[numbers]
        found = [torch.as_tensor(dataset[number][1]) for number in numbers.tolist()]
        return checks.labels(torch.stack(found).cpu())

    has_labels = isinstance(dataset, ImageDataset) or _is_labelled(dataset[0])
    return Scene(images, len(dataset), encoder, num_streams, labels if has_labels else None)


def _is_labelled(sample: Any) -> bool:
    return isinstance(sample, tuple | list) and len(sample) > 1


def _image(sample: Any) -> Tensor:
    return torch.as_tensor(sample[0] if isinstance(sample, tuple | list) else sample, dtype=torch.float32)
