"""Maps: several neurons at every point of a regular grid, one a channel."""

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.geometry.placement import grid
from lightning_snn.geometry.sheet import Sheet, interpolated


class Maps(Sheet):
    """``channels`` neurons at every point of a grid of ``height x width``, laid out ``[C, H, W]``.

    Points are one unit of length apart. An image of C channels is seen channel by channel; every channel sees
    an image of one.

    Args:
        channels: Neurons at a point, C.
        height: Rows H.
        width: Columns W.

    Raises:
        ValueError: if a size is not positive.

    >>> Maps(2, 1, 2).positions.tolist()
    [[0.5, 0.5], [1.5, 0.5], [0.5, 0.5], [1.5, 0.5]]
    """

    def __init__(self, channels: int, height: int, width: int) -> None:
        for name, value in {"channels": channels, "height": height, "width": width}.items():
            checks.count(name, value)
        self.shape = (channels, height, width)
        points = grid(height, width)
        super().__init__(
            points.repeat(channels, 1), (0.0, 0.0, float(width), float(height)), float(height * width)
        )

    def sample(self, images: Tensor) -> Tensor:
        """Values of images at the neurons; see `Sheet.sample`.

        Args:
            images: ``[B, C, H, W]``, or ``[B, 1, H, W]`` for every channel, floating point.

        Returns:
            ``[B, N]``, in the range of the channel's own values.

        Raises:
            ValueError: if ``images`` has another number of channels.
        """
        batch, channels = images.shape[:2]
        if channels == 1:
            return super().sample(images)
        if channels != self.shape[0]:
            raise ValueError(
                f"images must have as many channels as the geometry Maps, channels={self.shape[0]}, or one "
                f"for all of them, got {channels}"
            )
        places = self.positions.reshape(channels, -1, 2).repeat(batch, 1, 1)
        return interpolated(images.flatten(0, 1)[:, None], places, self.bounds).reshape(batch, -1)

    def holds(self, shape: tuple[int, ...]) -> bool:
        """Whether ``[C, H, W]`` is the layout of the neurons."""
        return shape == self.shape

    def even_positions(self, count: int) -> Tensor:
        """The points of the grid, taken evenly; all of them again beyond their number."""
        _, height, width = self.shape
        points = self.positions[: height * width]
        return points[torch.linspace(0, len(points) - 1, count).round().long() % len(points)]


class OnOff(Maps):
    """Two channels that see where an image is brighter, and where darker, than its surround.

    A difference of Gaussians, cut at 0, for each pixel; scaled so that the strongest contrast of an image is
    1. (Ganglion cells with on and off centres.)

    Args:
        height: Rows of the images.
        width: Columns of the images.
        centre: Standard deviation of the centre in pixels.
        surround: That of the surround.

    Raises:
        ValueError: if a size is not positive, or the surround is not wider than the centre.

    Source: Kheradpisheh et al., Neural Networks 99 (2018), section 2.1; Rodieck, Vision Research 5 (1965).
    """

    def __init__(self, height: int, width: int, *, centre: float = 1.0, surround: float = 2.0) -> None:
        super().__init__(2, height, width)
        checks.positive("centre", centre)
        checks.positive("surround", surround)
        if surround <= centre:
            raise ValueError(f"surround must be above centre = {centre}, got {surround}")
        self.centre = centre
        self.surround = surround

    def sample(self, images: Tensor) -> Tensor:
        """Contrasts at the neurons.

        Args:
            images: ``[B, 1, H, W]`` of the geometry's height and width, floating point.

        Returns:
            ``[B, 2 H W]``, values in [0, 1]; 0 for an image without contrast.

        Raises:
            ValueError: if ``images`` is of another shape.
        """
        if images.shape[1] != 1:
            raise ValueError(
                "images must have one channel for the geometry OnOff, which makes two of it, "
                f"got {images.shape[1]} channels"
            )
        if images.shape[2:] != self.shape[1:]:
            raise ValueError(
                f"images must be {self.shape[1:]} (height, width), got {tuple(images.shape[2:])}"
            )
        reach = round(1.5 * self.surround)
        kernel = (_gaussian(self.centre, reach) - _gaussian(self.surround, reach)).to(images)
        contrast = F.conv2d(F.pad(images, (reach,) * 4), kernel[None, None])
        strongest = contrast.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-6)
        return (torch.cat([contrast, -contrast], dim=1).clamp_min(0) / strongest).flatten(1)

    def holds(self, shape: tuple[int, ...]) -> bool:
        """Never: contrasts are made, not given."""
        del shape
        return False


def _gaussian(sigma: float, reach: int) -> Tensor:
    """A Gaussian ``[2 reach + 1, 2 reach + 1]`` that sums to 1."""
    x = torch.arange(-reach, reach + 1, dtype=torch.float32)
    line = torch.exp(-(x**2) / (2 * sigma**2))
    plane = line[:, None] * line
    return plane / plane.sum()
