"""Sets of small grey images for a Trainer: splits fixed by a seed, and their loaders."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from lightning_snn.core import checks, settings
from lightning_snn.core.config import Configurable, to_config
from lightning_snn.core.random import is_drawn, root_seed
from lightning_snn.data.augmentation import Augmentation
from lightning_snn.data.image_dataset import ImageDataset
from lightning_snn.data.loader import BatchLoader
from lightning_snn.data.perturbations import Perturbation
from lightning_snn.data.perturbed import Perturbations, named_perturbations, perturbed_sets
from lightning_snn.data.sources import LabelledImages
from lightning_snn.data.splits import stratified


class GreyImages(Configurable, LightningDataModule, ABC):
    """Images that a subclass reads; the validation set is drawn from those that are not for the test.

    Each set holds the classes in proportion and in random order. `Batch.sample` numbers the images of all
    sets.

    Args:
        batch_size: Images of a training batch, over all processes; an incomplete one is left out.
        eval_batch_size: Images of a batch to validate, test or predict, over all processes.
        val_size: Images to validate on; with 0 there is no validation.
        split_seed: Of the splits.
        scramble: Seed of other numbers for the pixels of all images; see `MNIST`.
        seed: Of the order of training batches, and of nothing else; by default the run's, or one by torch's
            generator.
        perturbations: What is tested on beside the clean images; see `MNIST`.
        labels: How many training images have labels; see `MNIST`.
        augmentation: What is done to training images, drawn anew in every epoch; see `MNIST`.

    Attributes:
        num_classes: Number of classes.
        image_size: Height and width in pixels.
        class_names: What is to be shown for each class.
        train_set: Images to train on; like the next two there after `setup`.
        val_set: Images to validate on.
        test_set: Images to test on and to predict.

    Raises:
        ValueError: if an argument is out of its range.
    """

    num_classes = 10
    image_size = (28, 28)
    class_names: tuple[str, ...]

    train_set: ImageDataset
    val_set: ImageDataset
    test_set: ImageDataset

    def __init__(
        self,
        *,
        batch_size: int,
        eval_batch_size: int,
        val_size: int,
        split_seed: int,
        seed: int | None,
        perturbations: Perturbations | None = None,
        scramble: int | None = None,
        labels: int | None = None,
        augmentation: Sequence[Perturbation] | None = None,
    ) -> None:
        super().__init__()
        checks.count("data.batch_size", batch_size)
        checks.count("data.eval_batch_size", eval_batch_size)
        checks.whole("data.val_size", val_size)
        checks.seed("data.split_seed", split_seed)
        checks.seed("data.scramble", scramble)
        checks.seed("data.seed", seed)
        if labels is not None:
            checks.count("data.labels", labels)
        self._seed_is_drawn = is_drawn(seed)
        seed = root_seed(seed)
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.val_size = val_size
        self.split_seed = split_seed
        self.scramble = scramble
        self.seed = seed
        self.labels = labels
        self.augmentation = Augmentation(augmentation, size=self.image_size) if augmentation else None
        self.perturbations = named_perturbations(perturbations, size=self.image_size)
        self._settings = to_config(self, key="data")
        self._settings["init_args"].pop("perturbations", None)  # a run that goes on may be tested on others
        self._settings["init_args"]["seed"] = seed

    def state_dict(self) -> dict[str, Any]:
        """The settings, for the checkpoint: a run goes on with the data that it began with."""
        return {"settings": self._settings}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Raise ``ValueError`` if a run that goes on began with other data; a drawn seed gives way to its."""
        if self.trainer is not None and self.trainer.state.fn == TrainerFn.FITTING:
            theirs, ours = state_dict["settings"], self._settings
            free = ("root", "eval_batch_size", *(["seed"] if self._seed_is_drawn else []))
            settings.check_same_settings(theirs, ours, of="data", free=free)
            self.seed = ours["init_args"]["seed"] = theirs["init_args"]["seed"]

    @abstractmethod
    def read(self) -> tuple[ImageDataset, ImageDataset]:
        """The images to train and validate on, and those to test on."""

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002
        """Read and split the images, once, whatever the ``stage``.

        Raises:
            FileNotFoundError: as `prepare_data`.
            ImportError: if the package that the source needs is missing.
            ValueError: if ``val_size`` leaves no image to train on.
        """
        if hasattr(self, "test_set"):
            return
        rest, test_set = self.read()
        rest.scramble = test_set.scramble = self.scramble
        checks.between("data.val_size", self.val_size, 0, len(rest) - 1)
        train, val = stratified(rest.labels, size=self.val_size, seed=(self.split_seed, 1))
        self.train_set, self.val_set, self.test_set = rest.subset(train), rest.subset(val), test_set

    def train_dataloader(self) -> BatchLoader:
        """Training batches, shuffled by ``seed`` and epoch; in fixed order with ``overfit_batches``.

        Raises:
            ValueError: if fewer images are there than ``labels``.
        """
        self.setup()
        rank, world_size = self._processes()
        return BatchLoader(
            self._labelled_set(),
            batch_size=self.batch_size,
            shuffle=getattr(self.trainer, "overfit_batches", 0) == 0,
            seed=self.seed,
            rank=rank,
            world_size=world_size,
            limit=1.0 if self.trainer is None else self.trainer.limit_train_batches,
            augmentation=self.augmentation,
            unlabelled=self.train_set,
        )

    def val_dataloader(self) -> BatchLoader | list[BatchLoader]:
        """Batches to validate on, or an empty list with ``val_size=0``."""
        self.setup()
        return self._eval_loader(self.val_set) if self.val_size else []

    def test_dataloader(self) -> BatchLoader | list[BatchLoader]:
        """Batches to test on; with perturbations a list, the clean images first."""
        clean = self.predict_dataloader()
        others = perturbed_sets(self.test_set, self.perturbations, seed=self.split_seed)
        return [clean, *map(self._eval_loader, others)] if others else clean

    def predict_dataloader(self) -> BatchLoader:
        """The test set's batches."""
        self.setup()
        return self._eval_loader(self.test_set)

    def labelled(self, count: int | None = None) -> Tensor:
        """Numbers of the training samples whose labels are known where only so many are; None: of all."""
        self.setup()
        return self._labelled_set().labelled(count)

    def _labelled_set(self) -> ImageDataset:
        return self.train_set if self.labels is None else self.train_set.with_labels(self.labels)

    def _eval_loader(self, dataset: ImageDataset) -> BatchLoader:
        rank, world_size = self._processes()
        return BatchLoader(
            dataset, batch_size=self.eval_batch_size, shuffle=False, rank=rank, world_size=world_size,
        )  # fmt: skip

    def _processes(self) -> tuple[int, int]:
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)


def official(
    parts: tuple[LabelledImages, LabelledImages],
) -> tuple[ImageDataset, ImageDataset]:
    """A published training and test set, the images of the second numbered after those of the first."""
    train, test = parts
    return numbered(train, 0), numbered(test, len(train.images))


def numbered(images: LabelledImages, first: int) -> ImageDataset:
    """Images with consecutive numbers from ``first`` on."""
    index = torch.arange(first, first + len(images.images))
    return ImageDataset(images.images, labels=images.labels, sample=index)
