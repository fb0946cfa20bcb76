"""Features of a frozen network, computed once for every sample."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol, runtime_checkable

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor

from lightning_snn.data import Batch
from lightning_snn.presentation.present import Presentation
from lightning_snn.presentation.stages import as_list
from lightning_snn.trainer.progress import PhaseProgress

BLOCK = 100
"""Samples shown at once; larger blocks are no faster and need more memory."""


@runtime_checkable
class BlockSource(Protocol):
    """A loader that can also hand out its samples once, in a fixed order."""

    def blocks(self, size: int) -> Iterator[Batch]:
        """Every sample once, in blocks that are the same on every process."""

    @property
    def num_samples(self) -> int:
        """Number of samples."""


class FeatureTable:
    """Presentations of known samples, looked up by sample number.

    Args:
        index: Numbers of the samples ``[n]``, in the order of ``rows``.
        rows: Their presentations.

    Raises:
        ValueError: if two different images have the same number.
    """

    def __init__(self, index: Tensor, rows: Presentation) -> None:
        self.rows = rows
        self._row = torch.full((int(index.max()) + 1,), -1, device=index.device)
        self._row[index] = torch.arange(len(index), device=index.device)
        first = self._row[index]
        if not all(torch.equal(values, values[first]) for values in rows.features.values()):
            raise ValueError("sample numbers must be unique: two different images share one")

    def __getitem__(self, index: Tensor) -> Presentation:
        """Presentations of samples ``index`` ``[B]``.

        Raises:
            KeyError: if a sample is not in the table.
        """
        if int(index.max()) >= len(self._row) or bool((self._row[index] < 0).any()):
            raise KeyError("the feature table does not hold all of these samples")
        row = self._row[index]
        features = {name: values[row] for name, values in self.rows.features.items()}
        return Presentation(features, self.rows.rate[row], self.rows.sparsity[row])


def build_feature_table(
    sources: list[BlockSource],
    show: Callable[[Tensor], Presentation],
    *,
    rank: int,
    world_size: int,
    combine: Callable[[Tensor], Tensor],
    report: Callable[[int], None],
) -> FeatureTable:
    """Show every sample once; processes share the blocks, and each gets the whole table.

    Args:
        sources: Where the samples come from.
        show: Images ``[B, C, H, W]`` to their presentation.
        rank: Number of this process.
        world_size: Number of processes.
        combine: Sums a tensor over the processes; each sample is zero on all but one.
        report: Told the number of samples done.
    """
    index, parts, done = [], [], 0
    blank: Presentation | None = None
    for number, batch in enumerate(block for source in sources for block in source.blocks(BLOCK)):
        mine = number % world_size == rank
        if mine or blank is None:
            shown = show(batch.image)
            blank = blank or shown
        part = shown if mine else _zeros(blank, len(batch.sample))
        index.append(batch.sample)
        parts.append(part)
        done += len(batch.sample)
        report(done)
    rows = Presentation(
        {name: combine(torch.cat([part.features[name] for part in parts])) for name in parts[0].features},
        combine(torch.cat([part.rate for part in parts])),
        combine(torch.cat([part.sparsity for part in parts])),
    )
    return FeatureTable(torch.cat(index).to(rows.rate.device), rows)


def _zeros(like: Presentation, count: int) -> Presentation:
    features = {name: values.new_zeros(count, values.shape[1]) for name, values in like.features.items()}
    return Presentation(
        features,
        like.rate.new_zeros(count, like.rate.shape[1]),
        like.sparsity.new_zeros(count, like.sparsity.shape[1]),
    )


def tabulate(
    trainer: Trainer, present: Callable[[Tensor], Presentation], *, required: bool
) -> tuple[FeatureTable | None, float]:
    """Show every training and validation image once, the processes sharing the work.

    Args:
        trainer: The Trainer, about to train.
        present: Images to their presentation.
        required: Whether loaders that cannot hand out their samples in blocks are an error.

    Returns:
        The table, or None where a loader cannot hand out its samples or augments them, and the seconds it
        took.

    Raises:
        ValueError: if ``required`` and a loader cannot.
    """
    loaders = [trainer.train_dataloader, *as_list(trainer.val_dataloaders)]
    sources = [loader for loader in loaders if isinstance(loader, BlockSource)]
    if len(sources) < len(loaders):
        if required:
            raise ValueError("model.cache = True needs loaders with `blocks`, such as data.BatchLoader")
        return None, 0.0
    if not all(getattr(source, "repeatable", True) for source in sources):
        if required:
            raise ValueError(
                "model.cache must not be True where data.augmentation shows an image otherwise in every epoch"
            )
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
