"""Exclusive or, as images of two pixels."""

import torch

from lightning_snn.core import checks
from lightning_snn.data.grey_images import GreyImages, official
from lightning_snn.data.image_dataset import ImageDataset
from lightning_snn.data.sources import LabelledImages


class XOR(GreyImages):
    """Two pixels, black or white; class 1 where exactly one of them is white.

    Args:
        repeats: Copies of each of the four patterns to train and validate on, and as many again to test on:
            with a random encoder each is another presentation.
        batch_size: Images of a training batch, over all processes; an incomplete one is left out.
        eval_batch_size: Images of a batch to validate, test or predict, over all processes.
        val_size: Images to validate on; with 0 there is no validation.
        split_seed: Of the splits.
        seed: Of the order of training batches, and of nothing else; by default the run's, or one by torch's
            generator.

    Raises:
        ValueError: if an argument is out of its range.
    """

    num_classes = 2
    image_size = (1, 2)
    class_names = ("same", "different")

    def __init__(
        self,
        repeats: int = 50,
        *,
        batch_size: int = 20,
        eval_batch_size: int = 50,
        val_size: int = 40,
        split_seed: int = 0,
        seed: int | None = None,
    ) -> None:
        checks.count("data.repeats", repeats)
        super().__init__(
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            val_size=val_size,
            split_seed=split_seed,
            seed=seed,
        )
        self.repeats = repeats

    def read(self) -> tuple[ImageDataset, ImageDataset]:
        """The patterns 00, 01, 10, 11, again and again."""
        bits = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]).repeat(self.repeats, 1)
        images = (255 * bits).to(torch.uint8).reshape(-1, 1, 1, 2)
        part = LabelledImages(images, bits.sum(1) % 2)
        return official((part, part))
