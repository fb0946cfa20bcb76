"""Square windows that move over maps: what convolution and pooling share."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F

from lightning_snn.core import checks
from lightning_snn.geometry import Maps, Sheet


class Windows(NamedTuple):
    """Windows over maps of neurons laid out ``[C, H, W]``.

    Args:
        in_shape: C, H and W.
        size: Side of a window.
        stride: Step from one window to the next.
        padding: Rows and columns of silent neurons around each map.
    """

    in_shape: tuple[int, int, int]
    size: int
    stride: int
    padding: int

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of windows, H' and W'."""
        rows, columns = (
            (side + 2 * self.padding - self.size) // self.stride + 1 for side in self.in_shape[1:]
        )
        return rows, columns

    @property
    def places(self) -> int:
        """Number of windows, H' W'."""
        return self.grid[0] * self.grid[1]

    def maps(self, spikes: Tensor) -> Tensor:
        """``[n, C, H, W]`` from ``[..., C H W]``."""
        return spikes.reshape(-1, *self.in_shape)

    def inputs(self, spikes: Tensor) -> Tensor:
        """What each window sees ``[..., H' W', C size size]``, from ``[..., C H W]``."""
        columns = F.unfold(self.maps(spikes), self.size, padding=self.padding, stride=self.stride)
        return columns.transpose(1, 2).reshape(*spikes.shape[:-1], self.places, -1)


def windows_over(
    num_pre: int,
    in_shape: tuple[int, int, int] | None,
    size: int,
    stride: int,
    padding: int,
    *,
    below: Sheet | None,
) -> Windows:
    """Windows over the maps of a source.

    Args:
        num_pre: Neurons of the source.
        in_shape: ``(C, H, W)``, how they are laid out; None: as ``below`` says, if it is of `Maps`.
        size: Side of a window, ``kernel_size``.
        stride: Step from one window to the next.
        padding: Rows and columns of silent neurons around each map.
        below: The sheet of the source.

    Raises:
        ValueError: if the shape is not known, a number is out of range, the maps hold another number of
            neurons, or a window is larger than a map.
    """
    checks.count("num_pre", num_pre)
    checks.count("kernel_size", size)
    checks.count("stride", stride)
    checks.whole("padding", padding)
    if in_shape is None and isinstance(below, Maps):
        in_shape = below.shape
    if in_shape is None:
        raise ValueError(
            "in_shape must be given as (C, H, W), since the source is not laid out as Maps, got "
            f"{type(below).__name__ if below is not None else 'no sheet'}"
        )
    if not isinstance(in_shape, Sequence) or len(in_shape) != 3:
        raise ValueError(f"in_shape must be (C, H, W), got {in_shape}")
    channels, height, width = in_shape
    for name, value in {"C": channels, "H": height, "W": width}.items():
        checks.count(f"in_shape {name}", value)
    if channels * height * width != num_pre:
        raise ValueError(
            f"in_shape = {channels} x {height} x {width} holds {channels * height * width} neurons, but the "
            f"source has {num_pre} (num_pre)"
        )
    if size > min(height, width) + 2 * padding:
        raise ValueError(
            f"kernel_size must be at most {min(height, width) + 2 * padding}, the side of a padded map, "
            f"got {size}"
        )
    return Windows((channels, height, width), size, stride, padding)
