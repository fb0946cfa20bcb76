"""What is done to images before a test or in training: shifted, turned, mirrored, covered, made noisy."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.core.config import Configurable
from lightning_snn.core.random import RandomStream
from lightning_snn.data.sources import needing_torchvision

PerturbationWord = Literal["shifted", "noise", "salt_and_pepper", "occluded"]


class Perturbation(Configurable, ABC):
    """Base of the perturbations of images; a subclass says what becomes of one image (`one`).

    What happens to a test image depends on its number and a seed alone, so it is the same in any batch and on
    any number of processes; to a training image, on the epoch too (`Augmentation`). Several strengths of one
    kind see the same random numbers.

    Attributes:
        axis: What ``strength`` counts, for figures.
    """

    axis: str = "strength"

    @property
    @abstractmethod
    def strength(self) -> float:
        """How strong it is; 0 would be the image itself."""

    @abstractmethod
    def one(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """What becomes of an image ``[C, H, W]`` with values in [0, 1]; the image itself stays."""

    def check(self, height: int, width: int) -> None:
        """Raise ``ValueError`` if images of that size in pixels cannot be perturbed so."""

    def __call__(self, images: Tensor, sample: Tensor, *, seed: int = 0) -> Tensor:
        """Perturbed images ``[B, C, H, W]``.

        Args:
            images: Values ``[B, C, H, W]``, floating point in [0, 1].
            sample: Numbers of the images ``[B]``.
            seed: Of what is drawn.

        Raises:
            ValueError: if they are no images, or too small.
        """
        stream = RandomStream(seed, f"perturbation/{type(self).__name__}")
        return self.each(images, (stream.torch(number) for number in sample.tolist()))

    def each(self, images: Tensor, generators: Iterable[torch.Generator]) -> Tensor:
        """Perturbed images ``[B, C, H, W]``, each with a generator of its own.

        Raises:
            ValueError: if they are no images, or too small.
        """
        checks.images(images)
        self.check(*images.shape[2:])
        return torch.stack([self.one(*each) for each in zip(images, generators, strict=True)])


class Shift(Perturbation):
    """Moves an image by whole pixels, every offset as likely as any other; what comes in is 0.

    Args:
        pixels: Most pixels in each direction.

    Raises:
        ValueError: if the number is not positive.
    """

    axis = "shifted by up to (pixels)"

    def __init__(self, pixels: int = 2) -> None:
        checks.count("pixels", pixels)
        self.pixels = pixels

    @property
    def strength(self) -> float:
        """Most pixels in each direction."""
        return self.pixels

    def check(self, height: int, width: int) -> None:
        """Raise ``ValueError`` if an image could be moved out of itself."""
        _below("pixels", self.pixels, min(height, width) - 1)

    def one(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """The part of the padded image that begins at an offset."""
        top, left = torch.randint(2 * self.pixels + 1, (2,), generator=generator).tolist()
        height, width = image.shape[1:]
        padded = F.pad(image, [self.pixels] * 4)
        return padded[:, top : top + height, left : left + width]


class Affine(Perturbation):
    """Turns an image about its centre and scales it, every angle and size as likely; what comes in is 0.

    Args:
        degrees: Most degrees in each direction.
        scale: Most that it grows or shrinks by, as a share of its size.

    Raises:
        ValueError: if the degrees do not lie in 0 to 180, the share is not below 1, or both are 0.
        ImportError: when it is used, if torchvision cannot be imported.
    """

    axis = "turned by up to (degrees)"

    def __init__(self, degrees: float = 10.0, scale: float = 0.1) -> None:
        checks.between("degrees", degrees, 0, 180)
        checks.share("scale", scale)
        if degrees == scale == 0:
            raise ValueError("degrees or scale must be above 0, got 0 of both")
        self.degrees = degrees
        self.scale = scale

    @property
    def strength(self) -> float:
        """Most degrees in each direction."""
        return self.degrees

    def one(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """The image turned and scaled, by bilinear interpolation."""
        with needing_torchvision("Affine"):
            from torchvision.transforms.v2 import functional as vision
        angle, growth = (2 * torch.rand(2, generator=generator) - 1).tolist()
        changed: Tensor = vision.affine(
            image,
            angle=self.degrees * angle,
            translate=[0, 0],
            scale=1 + self.scale * growth,
            shear=[0.0, 0.0],
            interpolation=vision.InterpolationMode.BILINEAR,
        )
        return changed.clamp(0, 1)


class Flip(Perturbation):
    """Mirrors some images, left to right.

    Args:
        chance: Chance of an image.

    Raises:
        ValueError: if the chance is not above 0, or above 1.
    """

    axis = "images mirrored (share)"

    def __init__(self, chance: float = 0.5) -> None:
        checks.positive("chance", chance)
        checks.between("chance", chance, 0, 1)
        self.chance = chance

    @property
    def strength(self) -> float:
        """Chance of an image."""
        return self.chance

    def one(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """The image, or its mirror image."""
        mirrored = torch.rand((), generator=generator).item() < self.chance
        return image.flip(-1) if mirrored else image


class GaussianNoise(Perturbation):
    """Adds a normal number to every value, and brings what is below 0 or above 1 back to there.

    Args:
        sd: Standard deviation.

    Raises:
        ValueError: if the number is not positive.
    """

    axis = "noise (standard deviation)"

    def __init__(self, sd: float = 0.4) -> None:
        checks.positive("sd", sd)
        self.sd = sd

    @property
    def strength(self) -> float:
        """Standard deviation."""
        return self.sd

    def one(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Image and noise, in [0, 1]."""
        noise = torch.randn(image.shape, generator=generator).to(image)
        return (image + self.sd * noise).clamp(0, 1)


class SaltAndPepper(Perturbation):
    """Makes some pixels 0 or 1, one as likely as the other, in all channels.

    Args:
        share: Chance of a pixel.

    Raises:
        ValueError: if the chance is not above 0, or above 1.
    """

    axis = "pixels made black or white (share)"

    def __init__(self, share: float = 0.2) -> None:
        checks.positive("share", share)
        checks.between("share", share, 0, 1)
        self.share = share

    @property
    def strength(self) -> float:
        """Chance of a pixel."""
        return self.share

    def one(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """The image with these pixels replaced."""
        chance, white = torch.rand((2, *image.shape[1:]), generator=generator).to(image.device)
        return torch.where(chance < self.share, (white < 0.5).to(image), image)


class Occlusion(Perturbation):
    """Covers a square with 0, anywhere inside the image.

    Args:
        size: Side of the square in pixels.

    Raises:
        ValueError: if the number is not positive.
    """

    axis = "side of the covered square (pixels)"

    def __init__(self, size: int = 8) -> None:
        checks.count("size", size)
        self.size = size

    @property
    def strength(self) -> float:
        """Side of the square in pixels."""
        return self.size

    def check(self, height: int, width: int) -> None:
        """Raise ``ValueError`` if the square is larger than the image."""
        _below("size", self.size, min(height, width))

    def one(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """The image with the square in it."""
        places = torch.rand(2, generator=generator).tolist()
        top, left = (
            int(place * (side - self.size + 1)) for place, side in zip(places, image.shape[1:], strict=True)
        )
        covered = image.clone()
        covered[:, top : top + self.size, left : left + self.size] = 0
        return covered


def _below(name: str, value: int, most: int) -> None:
    if value > most:
        raise ValueError(f"{name} must be at most {most} for images of this size, got {value}")
