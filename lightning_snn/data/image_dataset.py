"""Labelled images in memory."""

from collections.abc import Callable

import torch
from torch import Tensor

from lightning_snn.core import checks
from lightning_snn.core.batches import Batch
from lightning_snn.core.permutation import scrambled
from lightning_snn.data.splits import in_turn

_INTEGERS = {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}


class ImageDataset:
    """Labelled images in memory.

    Args:
        images: Values ``[n, C, H, W]``, uint8; grey images have one channel.
        labels: Classes ``[n]``, of an integer type; kept as int64.
        sample: Numbers of the samples ``[n]``, likewise, each once.
        scramble: Seed of other numbers for the pixels, see `scrambled`; by default they keep theirs.

    Raises:
        ValueError: if a shape, a dtype or a length is another one, or a number occurs twice.

    >>> data = ImageDataset(torch.full((3, 1, 2, 2), 51, dtype=torch.uint8),
    ...                     labels=torch.tensor([7, 8, 9]), sample=torch.tensor([0, 1, 2]))
    >>> batch = data[torch.tensor([2, 0])]
    >>> batch.label, batch.image.max()
    (tensor([9, 7]), tensor(0.2000))
    """

    test_name = ""
    """What a test on these images is called; empty: the test."""

    def __init__(
        self, images: Tensor, *, labels: Tensor, sample: Tensor, scramble: int | None = None
    ) -> None:
        if images.ndim != 4 or images.dtype != torch.uint8:
            raise ValueError(
                f"images must be uint8 [n, C, H, W], got {images.dtype} of shape {list(images.shape)}"
            )
        for name, value in (("labels", labels), ("sample", sample)):
            if value.shape != images.shape[:1] or value.dtype not in _INTEGERS:
                raise ValueError(
                    f"{name} must be integers [n] with one entry for each of the {len(images)} images, "
                    f"got {value.dtype} of shape {list(value.shape)}"
                )
        checks.seed("data.scramble", scramble)
        self.images = images
        self.scramble = scramble
        self.labels = labels.to(torch.int64)
        self.sample = sample.to(torch.int64)
        if len(torch.unique(self.sample)) != len(sample):
            raise ValueError("sample must hold each number once: features are cached by it")

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.images)

    def __getitem__(self, positions: Tensor) -> Batch:
        """The samples at ``positions`` ``[B]``, in that order."""
        return self.take(positions, self.shown)

    def take(self, positions: Tensor, shown: Callable[[Tensor, Tensor], Tensor]) -> Batch:
        """As by index, with images that are shown as ``shown`` says instead, which is called as `shown`."""
        sample = self.sample[positions]
        image = shown(self.images[positions].to(torch.float32) / 255, sample)
        image = image if self.scramble is None else scrambled(image, self.scramble)
        return Batch(image, self.labels[positions], sample)

    def shown(self, image: Tensor, sample: Tensor) -> Tensor:  # noqa: ARG002
        """Images ``[B, C, H, W]`` in [0, 1] of samples ``[B]`` as they are shown; here as they are."""
        return image

    def subset(self, positions: Tensor) -> "ImageDataset":
        """A data set of the samples at ``positions`` ``[m]``, in that order, with their numbers kept."""
        return ImageDataset(
            self.images[positions],
            labels=self.labels[positions],
            sample=self.sample[positions],
            scramble=self.scramble,
        )

    def labelled(self, count: int | None = None) -> Tensor:
        """Numbers of the samples ``[count]`` whose labels are known where only so many are; None: of all.

        The classes in turn, each in the data set's order: balanced, and smaller sets lie in larger ones.
        """
        return self.sample[in_turn(self.labels)[:count]]

    def with_labels(self, count: int) -> "ImageDataset":
        """The ``count`` samples whose labels are known where only so many are; see `labelled`.

        Raises:
            ValueError: if there are fewer.
        """
        checks.count("data.labels", count)
        if count > len(self):
            raise ValueError(f"data.labels must be at most {len(self)}, the training images, got {count}")
        return self.subset(in_turn(self.labels)[:count])
