"""Images in memory and their batches: the same for any number of processes, resumable at any batch."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_snn import checks
from lightning_snn.core.random import Stream

_INTEGERS = {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}


class Batch(NamedTuple):
    """Images with their labels and numbers.

    Attributes:
        image: Grey values ``[B, 1, H, W]``, float32 in [0, 1].
        label: Classes ``[B]``, int64.
        sample: Numbers of the samples ``[B]``, int64, unique over all splits of a data set.
    """

    image: Tensor
    label: Tensor
    sample: Tensor


class ImageDataset:
    """Labelled images in memory.

    Args:
        images: Grey values ``[n, 1, H, W]``, uint8.
        labels: Classes ``[n]``, of an integer type; kept as int64.
        sample: Numbers of the samples ``[n]``, likewise, each once.

    Raises:
        ValueError: if a shape, a dtype or a length is another one, or a number occurs twice.

    >>> data = ImageDataset(torch.full((3, 1, 2, 2), 51, dtype=torch.uint8),
    ...                     labels=torch.tensor([7, 8, 9]), sample=torch.tensor([0, 1, 2]))
    >>> batch = data[torch.tensor([2, 0])]
    >>> batch.label, batch.image.max()
    (tensor([9, 7]), tensor(0.2000))
    """

    def __init__(self, images: Tensor, *, labels: Tensor, sample: Tensor) -> None:
        if images.ndim != 4 or images.shape[1] != 1 or images.dtype != torch.uint8:
            raise ValueError(
                f"images must be uint8 [n, 1, H, W], got {images.dtype} of shape {list(images.shape)}"
            )
        for name, value in (("labels", labels), ("sample", sample)):
            if value.shape != images.shape[:1] or value.dtype not in _INTEGERS:
                raise ValueError(
                    f"{name} must be integers [n] with one entry for each of the {len(images)} images, "
                    f"got {value.dtype} of shape {list(value.shape)}"
                )
        self.images = images
        self.labels = labels.to(torch.int64)
        self.sample = sample.to(torch.int64)
        if len(torch.unique(self.sample)) != len(sample):
            raise ValueError("sample must hold each number once: features are cached by it")

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.images)

    def __getitem__(self, positions: Tensor) -> Batch:
        """The samples at ``positions`` ``[B]``, in that order."""
        image = self.images[positions].to(torch.float32) / 255
        return Batch(image, self.labels[positions], self.sample[positions])

    def subset(self, positions: Tensor) -> "ImageDataset":
        """A data set of the samples at ``positions`` ``[m]``, in that order, with their numbers kept."""
        return ImageDataset(
            self.images[positions], labels=self.labels[positions], sample=self.sample[positions]
        )


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
        order = self._order(self._epoch)
        for number in range(self._position, len(self)):
            start = number * self.batch_size
            self._position = number + 1
            yield self.dataset[order[start : start + self.batch_size][self.rank :: self.world_size]]

    def _order(self, epoch: int) -> Tensor:
        if not self.shuffle:
            return torch.arange(len(self.dataset))
        generator = Stream(self.seed, self._stream_name).numpy(epoch)
        return torch.from_numpy(generator.permutation(len(self.dataset)))

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

    def blocks(self, size: int) -> Iterator[Batch]:
        """Every sample once, in the data set's order, ``size`` at a time, on every process the same.

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
