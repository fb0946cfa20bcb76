"""Batches of images in memory: the same for any number of processes, resumable at any batch."""

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.batches import Batch
from lightning_snn.core.random import RandomStream
from lightning_snn.data.augmentation import Augmentation
from lightning_snn.data.image_dataset import ImageDataset


class BatchLoader:
    """Batches of a data set, divided among processes; a plain iterable that Lightning leaves as it is.

    Global batch ``b`` of an epoch is ``order[b * batch_size : (b + 1) * batch_size]``, and process
    ``rank`` takes every ``world_size``-th sample of it from sample ``rank`` on, so any number of
    processes sees the same global batches.

    - To train (``shuffle=True``), ``order`` is a permutation given by ``seed`` and the epoch, and the
      samples of an incomplete last batch are left out, other ones in every epoch.
    - To evaluate (``shuffle=False``), ``order`` is the data set's and nothing is left out or repeated.
      Where an incomplete last batch holds fewer samples than there are processes, those that get none
      of them see one batch less: communicate between processes after the loop, not in a batch.

    Each iterator starts an epoch, the next one from its beginning even where the last one was left early.
    Lightning saves `state_dict` in its checkpoints, and a resumed run goes on with the batch after the
    last one handed out.

    Args:
        dataset: Where the samples come from.
        batch_size: Samples of a global batch, over all processes.
        shuffle: To train or to evaluate.
        seed: Of the permutations.
        rank: This process, 0 to ``world_size - 1``.
        world_size: Number of processes.
        limit: The run's ``Trainer.limit_train_batches``, a number (int) or a part (float) of the batches.
            It does not shorten iteration, but a run resumed behind that many starts the next epoch.
        augmentation: What is done to the images of a batch, other things in every epoch, given by ``seed``.
        unlabelled: All images there are, for stimuli; by default those of the data set.

    Raises:
        ValueError: if ``batch_size`` is smaller than ``world_size``, or, to train, if it is not a multiple
            of it or larger than the data set; if ``rank`` is no process; if ``seed`` is negative.
    """

    def __init__(
        self,
        dataset: ImageDataset,
        *,
        batch_size: int,
        shuffle: bool,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        limit: int | float = 1.0,
        augmentation: Augmentation | None = None,
        unlabelled: ImageDataset | None = None,
    ) -> None:
        checks.count("world_size", world_size)
        checks.between("rank", rank, 0, world_size - 1)
        checks.seed("data.seed", seed)
        _check_batch_size(batch_size, world_size, len(dataset), shuffle)
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.augmentation = augmentation
        self.unlabelled = dataset if unlabelled is None else unlabelled
        self._epoch_length = min(limit, len(self)) if isinstance(limit, int) else int(limit * len(self))
        self._epoch = 0
        self._position = 0
        self._next_start = (0, 0)
        self._resumed = False
        self._stream_name = "batches"

    def __len__(self) -> int:
        """Batches of an epoch on this process."""
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.shuffle else full + (self.rank < rest)

    def __iter__(self) -> Iterator[Batch]:
        """Iterate over one epoch; it begins when the first batch is taken, not when this is called."""
        self._epoch, self._position = self._next_start
        self._next_start = (self._epoch + 1, 0)
        order, shown = self._order(self._epoch), self._shown(self._epoch)
        for number in range(self._position, len(self)):
            start = number * self.batch_size
            self._position = number + 1
            positions = order[start : start + self.batch_size][self.rank :: self.world_size]
            yield self.dataset.take(positions, shown)

    def _order(self, epoch: int) -> Tensor:
        if not self.shuffle:
            return torch.arange(len(self.dataset))
        generator = RandomStream(self.seed, self._stream_name).numpy(epoch)
        return torch.from_numpy(generator.permutation(len(self.dataset)))

    def _shown(self, epoch: int) -> Callable[[Tensor, Tensor], Tensor]:
        if self.augmentation is None:
            return self.dataset.shown
        return partial(self.augmentation, seed=self.seed, epoch=epoch)

    @property
    def repeatable(self) -> bool:
        """Whether a sample is the same in every epoch."""
        return self.augmentation is None

    def state_dict(self) -> dict[str, int]:
        """The epoch, how many of its batches were handed out, and the seed; the same on every process."""
        return {"epoch": self._epoch, "position": self._position, "seed": self.seed}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Let the next iterator go on behind the last batch of ``state``, or start the epoch after it.

        The order of the batches is that of the ``state``. (Before there were names, a state had no seed, and
        the order was that of the seed alone.)
        """
        if "seed" in state:
            self.seed = state["seed"]
        else:
            self._stream_name = ""
        self._epoch, self._position = state["epoch"], state["position"]
        finished = self._position >= self._epoch_length
        self._next_start = (self._epoch + 1, 0) if finished else (self._epoch, self._position)
        self._resumed = True

    def set_epoch(self, epoch: int) -> None:
        """Let the next iterator start ``epoch`` from its beginning.

        Without effect after `load_state_dict`, as Lightning counts an epoch that ``max_steps`` cut short
        as done and yet goes on in the middle of it.
        """
        if not self._resumed:
            self._next_start = (epoch, 0)

    @property
    def batch_sampler(self) -> SimpleNamespace:
        """Where Lightning looks for `set_epoch`.

        It calls it before each epoch, and with that alone it tells the epoch where a run is resumed at the
        end of one: it then does not load the loader's state.
        """
        return SimpleNamespace(sampler=self)

    @property
    def num_samples(self) -> int:
        """Number of samples of the dataset, over all processes."""
        return len(self.dataset)

    @property
    def test_name(self) -> str:
        """What a test on this data set is called; empty: the test."""
        return self.dataset.test_name

    def labelled(self, count: int | None = None) -> Tensor:
        """Numbers of the samples whose labels are known where only so many are; see `ImageDataset`."""
        return self.dataset.labelled(count)

    def blocks(self, size: int) -> Iterator[Batch]:
        """Every sample once as it is, in the data set's order, ``size`` at a time, on every process the same.

        >>> data = ImageDataset(torch.zeros(5, 1, 2, 2, dtype=torch.uint8),
        ...                     labels=torch.zeros(5, dtype=torch.int64), sample=torch.arange(5))
        >>> loader = BatchLoader(data, batch_size=4, shuffle=True)
        >>> [block.sample.tolist() for block in loader.blocks(2)]
        [[0, 1], [2, 3], [4]]
        """
        checks.count("size", size)
        for positions in torch.split(torch.arange(len(self.dataset)), size):
            yield self.dataset[positions]


def _check_batch_size(batch_size: int, world_size: int, samples: int, shuffle: bool) -> None:
    name = "data.batch_size" if shuffle else "data.eval_batch_size"
    checks.count(name, batch_size)
    if batch_size < world_size:
        raise ValueError(
            f"{name} counts the samples of all processes and must be at least their number, "
            f"got {batch_size} for {world_size} processes"
        )
    if not shuffle:
        return
    if batch_size % world_size:
        raise ValueError(
            f"{name} counts the samples of all processes and must be a multiple of their number, "
            f"got {batch_size} for {world_size} processes"
        )
    if batch_size > samples:
        raise ValueError(
            f"{name} must be at most the number of training samples, {samples}, got {batch_size}"
        )
