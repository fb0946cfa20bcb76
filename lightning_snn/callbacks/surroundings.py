"""What the phase finds in the Trainer and the module: the stack, images, loggers, a place for checkpoints."""

from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger
from lightning_utilities.core.rank_zero import rank_zero_warn
from torch import Tensor

from lightning_snn import checks
from lightning_snn.data import ImageDataset
from lightning_snn.network import SpikingStack
from lightning_snn.stimuli import Scene, Stimulus

PREFIX = "self_organization"


def stack_of(pl_module: LightningModule) -> SpikingStack:
    """The module's stack; raises ``ValueError`` if it has none."""
    stack = getattr(pl_module, "stack", None)
    if not isinstance(stack, SpikingStack):
        raise ValueError(
            "SelfOrganization needs a module with a SpikingStack named `stack`, "
            f"got {type(pl_module).__name__}"
        )
    return stack


def declare_step(trainer: Trainer) -> None:
    """Tell W&B that the phase counts its own steps; the step key must come first."""
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger) and trainer.is_global_zero:
            logger.experiment.define_metric(f"{PREFIX}/step")
            logger.experiment.define_metric(f"{PREFIX}/*", step_metric=f"{PREFIX}/step")


def checkpoint_dir(trainer: Trainer) -> str | None:
    """The folder of the Trainer's own checkpoints; None where it makes none."""
    directory = getattr(trainer.checkpoint_callback, "dirpath", None)
    return None if directory is None else str(directory)


def check_names(stimulus: Stimulus | dict[str, Stimulus], stack: SpikingStack) -> None:
    """Raise ``ValueError`` if stimuli are given for layers that have no projection."""
    if isinstance(stimulus, dict) and set(stimulus) - set(stack.projections):
        raise ValueError(
            f"{PREFIX}.stimulus must name layers of {sorted(stack.projections)}, got {sorted(stimulus)}"
        )


def check_same_seed(trainer: Trainer, stack: SpikingStack) -> None:
    """Raise ``ValueError`` on all processes unless they have drawn the same network and order of the data."""
    data: Any = getattr(trainer, "datamodule", None)
    ours = (int(stack.seed), getattr(data, "seed", None))
    if not trainer.strategy.reduce_boolean_decision(trainer.strategy.broadcast(ours) == ours):
        raise ValueError(
            "the processes have drawn different seeds for the network or the data: call seed_everything "
            "before they are built, or give both a seed"
        )


def warn_if_skipped(trainer: Trainer) -> None:
    """Warn of limits with which Lightning returns before the phase."""
    if 0 in (trainer.max_epochs, trainer.max_steps, trainer.limit_train_batches):
        rank_zero_warn(
            "the self-organisation does not run: with max_epochs, max_steps or limit_train_batches at 0 "
            "Lightning skips training altogether. To self-organise only, use limit_train_batches=1."
        )


def log_phase(trainer: Trainer, name: str, report: dict[str, float], steps: int) -> None:
    """Hand a report on the wiring of a layer to every logger, under the phase's own step."""
    values = {f"{PREFIX}/{name}/{key}": value for key, value in report.items()}
    values[f"{PREFIX}/step"] = float(steps)
    for logger in trainer.loggers:
        logger.log_metrics(values, step=steps)
        logger.save()


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
