"""What is done to training images: drawn anew for every image in every epoch."""

from collections.abc import Sequence

from torch import Tensor

from lightning_snn.core.random import RandomStream
from lightning_snn.data.perturbations import Perturbation


class Augmentation:
    """Perturbations of training images, one after another.

    What happens to an image depends on its number, the epoch and a seed alone: it is the same in any batch,
    on any number of processes, and in a run that was interrupted.

    Args:
        perturbations: What is done, in this order; two of one kind draw from streams of their own.
        size: Height and width of the images in pixels.

    Raises:
        ValueError: if one is no `Perturbation`, or images are too small for it.
    """

    def __init__(self, perturbations: Sequence[Perturbation], *, size: tuple[int, int]) -> None:
        if isinstance(perturbations, str) or not isinstance(perturbations, Sequence):
            raise ValueError(
                f"data.augmentation must be a list of Perturbation, such as [Shift(2)], got {perturbations!r}"
            )
        for number, one in enumerate(perturbations):
            if not isinstance(one, Perturbation):
                raise ValueError(
                    f"data.augmentation[{number}] must be a Perturbation, such as Shift(2), got {one!r}"
                )
            try:
                one.check(*size)
            except ValueError as error:
                raise ValueError(f"data.augmentation[{number}].{error}") from error
        self.perturbations = list(perturbations)

    def __call__(self, images: Tensor, sample: Tensor, *, seed: int, epoch: int) -> Tensor:
        """Images ``[B, C, H, W]`` in [0, 1] of samples ``[B]`` as an epoch shows them."""
        for place, one in enumerate(self.perturbations):
            stream = RandomStream(seed, f"augmentation/{place}/{type(one).__name__}")
            images = one.each(images, (stream.torch(epoch, number) for number in sample.tolist()))
        return images
