"""Fashion-MNIST for a Trainer."""

from lightning_snn.data import sources
from lightning_snn.data.grey_images import GreyImages, official
from lightning_snn.data.image_dataset import ImageDataset
from lightning_snn.data.perturbations import Perturbation, PerturbationWord


class FashionMNIST(GreyImages):
    """Pictures of clothing, 28 x 28 grey values, ten classes; the test set is the official one of 10,000.

    The validation set is drawn from the 60,000 others; see `GreyImages`.

    Args:
        root: Existing folder that holds or will hold ``FashionMNIST/raw``; downloaded where it is not there.
        batch_size: Images of a training batch, over all processes; an incomplete one is left out.
        eval_batch_size: Images of a batch to validate, test or predict, over all processes.
        val_size: Images to validate on; with 0 there is no validation.
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
        ValueError: if an argument is out of its range.

    Source: Xiao, Rasul and Vollgraf, Fashion-MNIST (2017), arXiv:1708.07747.
    """

    class_names = (
        "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    )  # fmt: skip

    def __init__(
        self,
        root: str,
        *,
        batch_size: int = 100,
        eval_batch_size: int = 500,
        val_size: int = 5000,
        split_seed: int = 0,
        scramble: int | None = None,
        seed: int | None = None,
        perturbations: list[PerturbationWord] | dict[str, list[Perturbation] | Perturbation] | None = None,
        labels: int | None = None,
        augmentation: list[Perturbation] | None = None,
    ) -> None:
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

    def prepare_data(self) -> None:
        """Download the images where they are missing; Lightning calls this on one process only.

        Raises:
            FileNotFoundError: if the root does not exist, or the images can neither be read nor downloaded.
        """
        sources.torchvision_images("FashionMNIST", self.root)

    def read(self) -> tuple[ImageDataset, ImageDataset]:
        """The official sets."""
        return official(sources.torchvision_images("FashionMNIST", self.root))
