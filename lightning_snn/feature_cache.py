"""The feature table of a Trainer's training and validation images."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor

from lightning_snn.feature_table import BlockSource, FeatureTable, build_feature_table
from lightning_snn.features import Presentation
from lightning_snn.progress import PhaseProgress


def tabulate(
    trainer: Trainer, present: Callable[[Tensor], Presentation], *, required: bool
) -> tuple[FeatureTable | None, float]:
    """Show every training and validation image once, the processes sharing the work.

    Args:
        trainer: The Trainer, about to train.
        present: Images to their presentation.
        required: Whether loaders that cannot hand out their samples in blocks are an error.

    Returns:
        The table, or None where a loader cannot hand out its samples, and the seconds it took.

    Raises:
        ValueError: if ``required`` and a loader cannot.
    """
    loaders = [trainer.train_dataloader, *_as_list(trainer.val_dataloaders)]
    sources = [loader for loader in loaders if isinstance(loader, BlockSource)]
    if len(sources) < len(loaders):
        if required:
            raise ValueError("model.cache = True needs loaders with `blocks`, such as data.BatchLoader")
        return None, 0.0
    start = time.perf_counter()
    device = trainer.strategy.root_device
    total = sum(source.num_samples for source in sources)

    def report(done: int) -> None:
        bar.update(done)
        if trainer.received_sigterm and trainer.world_size == 1:  # several processes end together, later
            raise SIGTERMException

    precision = trainer.precision_plugin.forward_context()
    with PhaseProgress(trainer, "encode", total) as bar, torch.no_grad(), precision:
        table = build_feature_table(
            sources,
            lambda images: present(images.to(device)),
            rank=trainer.global_rank,
            world_size=trainer.world_size,
            combine=partial(trainer.strategy.reduce, reduce_op="sum"),
            report=report,
        )
    return table, time.perf_counter() - start


def _as_list(loaders: Any) -> list[Any]:
    if loaders is None:
        return []
    return loaders if isinstance(loaders, list) else [loaders]
