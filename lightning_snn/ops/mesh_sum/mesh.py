"""A regular mesh over a sheet: where nodes share in it, and a convolution by FFT."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

STENCIL = 4
"""Mesh points in each direction that a node shares in: cubic interpolation."""


class Mesh(NamedTuple):
    """A mesh of ``height x width`` points, the shares of nodes in it, and a kernel.

    The mesh is periodic; it is stored with its first three rows and columns once more at its end, so that no
    node's points wrap.

    Args:
        corner: A node's first point ``[N]``, int32, as place in the flattened ``[height + 3, width + 3]``.
        across: Shares of its four columns ``[N, 4]``.
        down: Shares of its four rows ``[N, 4]``.
        spectrum: ``rfft2`` of the kernel ``[height, width // 2 + 1]``.
        height: Points in y.
        width: Points in x.
    """

    corner: Tensor
    across: Tensor
    down: Tensor
    spectrum: Tensor
    height: int
    width: int

    @property
    def stored(self) -> tuple[int, int]:
        """Rows and columns with those that stand there twice."""
        return self.height + STENCIL - 1, self.width + STENCIL - 1


def convolve(charge: Tensor, mesh: Mesh) -> Tensor:
    """``[B, height + 3, width + 3]`` as deposited, convolved with the mesh's kernel."""
    charge[:, : STENCIL - 1] += charge[:, mesh.height :]
    charge[:, :, : STENCIL - 1] += charge[:, :, mesh.width :]
    inside = charge[:, : mesh.height, : mesh.width]
    field = torch.fft.irfft2(torch.fft.rfft2(inside) * mesh.spectrum, s=(mesh.height, mesh.width))
    return F.pad(field[:, None], (0, STENCIL - 1, 0, STENCIL - 1), mode="circular")[:, 0]
