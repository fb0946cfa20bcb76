"""How a sheet's lateral input is computed: from all pairs, or from near pairs and a mesh."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from lightning_snn.geometry import Sheet
from lightning_snn.geometry.neighbours import neighbours
from lightning_snn.ops.mesh_sum import STENCIL, Mesh, mesh_sum
from lightning_snn.synapses.lateral import Coupling, RowCoupling

PAIRS = 2**20
"""Pairs whose strengths are computed together; bounds the memory."""


class DenseCoupling(RowCoupling):
    """All pairs of nodes.

    Args:
        rows: ``[N, N]``; row j is the charge that a spike of node j delivers to each.
        delay: As in `Coupling`.
    """

    def __init__(self, rows: Tensor, *, delay: float | None = None) -> None:
        super().__init__(len(rows), delay=delay)
        self.register_buffer("rows", rows, persistent=False)

    def excited(self, factor: float) -> "DenseCoupling":
        """See `Projection.excited`."""
        rows = torch.where(self.rows > 0, self.rows * factor, self.rows)
        return DenseCoupling(rows, delay=self.delay)


class MeshCoupling(Coupling):
    """Near pairs from a list, far pairs over a mesh; memory grows with N.

    The far part must be ``smooth``: a function that changes little over a mesh spacing h, for all distances
    from 0. Pairs closer than ``radius`` get what is missing to ``strength`` from the list. Nodes share in
    4 x 4 mesh points by cubic interpolation, where they send and where they receive: the only error.

    Args:
        sheet: The sheet; flat, or repeating in a square.
        strength: The coupling at distances ``[E]`` below ``radius``.
        smooth: The far part at distances of any shape.
        radius: Distance from which on ``smooth`` is the coupling.
        spacing: Distance h of the mesh points; at most this on a sheet that repeats.
        delay: As in `Coupling`.
    """

    starts: Tensor
    targets: Tensor
    strengths: Tensor
    exciting: Tensor
    excitation: Tensor
    corner: Tensor
    across: Tensor
    down: Tensor
    spectrum: Tensor

    def __init__(
        self,
        sheet: Sheet,
        strength: Callable[[Tensor], Tensor],
        smooth: Callable[[Tensor], Tensor],
        *,
        radius: float,
        spacing: float,
        delay: float | None = None,
    ) -> None:
        super().__init__(sheet.num_nodes, delay=delay)
        near = neighbours(sheet, radius)
        corner, across, down, kernel = _mesh(sheet, smooth, spacing)
        self.shape = (kernel.shape[0], kernel.shape[1])
        strengths, exciting, excitation = [], [], []
        for first, block in enumerate(torch.split(near.distance, PAIRS)):
            total = strength(block)
            strengths.append(total - smooth(block))
            exciting.append((total > 0).nonzero()[:, 0] + first * PAIRS)
            excitation.append(total[total > 0])
        self.own = smooth(torch.zeros(1)).item()
        for name, value in {
            "starts": near.starts,
            "targets": near.targets,
            "strengths": torch.cat(strengths),
            "exciting": torch.cat(exciting),
            "excitation": torch.cat(excitation),
            "corner": corner,
            "across": across,
            "down": down,
            "spectrum": torch.fft.rfft2(kernel),
        }.items():
            self.register_buffer(name, value, persistent=False)

    def excited(self, factor: float) -> "MeshCoupling":
        """See `Projection.excited`."""
        found = copy.copy(self)
        found._buffers = dict(self._buffers)
        found.excitation = self.excitation * factor
        found.strengths = self.strengths.index_add(0, self.exciting, found.excitation - self.excitation)
        return found

    def forward(self, spikes: Tensor) -> Tensor:
        """Charge ``[..., N]`` from arriving spikes ``[..., N]``."""
        self.check_spikes(spikes)
        mesh = Mesh(self.corner, self.across, self.down, self.spectrum, *self.shape)
        flat = spikes.reshape(-1, self.num_pre)
        total = mesh_sum(flat, self.starts, self.targets, self.strengths, mesh).reshape(spikes.shape)
        return total - self.own * spikes  # the mesh sends a node its own spike too


def _mesh(
    sheet: Sheet, smooth: Callable[[Tensor], Tensor], spacing: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Corners and shares of the nodes, as `Mesh` has them, and the kernel ``[height, width]``."""
    position = sheet.positions.double()
    if sheet.period is None:
        position = position - position.amin(0)
        needed = (position.amax(0) / spacing).ceil().long() + STENCIL
        width, height = (_fast_length(2 * int(size)) for size in needed)
        place = position / spacing + 1  # room for the stencil before the first node
        step = spacing
    else:
        width = height = max(STENCIL, _fast_length(int(-(-sheet.period // spacing))))
        step = sheet.period / width
        place = position / step
    corner = place.floor()
    x, y = (place - corner).unbind(1)
    column, row = ((corner.long() - 1) % torch.tensor([width, height])).unbind(1)
    first = (row * (width + STENCIL - 1) + column).to(torch.int32)
    distance = torch.linalg.vector_norm(
        torch.stack(torch.meshgrid(_wrapped(height), _wrapped(width), indexing="ij")) * step, dim=0
    )
    return first, _cubic(x).float(), _cubic(y).float(), smooth(distance).float()


def _wrapped(size: int) -> Tensor:
    """Distances in mesh points from point 0 on a ring."""
    index = torch.arange(size, dtype=torch.float64)
    return index.minimum(size - index)


def _cubic(x: Tensor) -> Tensor:
    """Weights ``[N, 4]`` of the points -1, 0, 1, 2 for places x in [0, 1): Lagrange's cubic interpolation."""
    return torch.stack(
        [
            -x * (x - 1) * (x - 2) / 6,
            (x + 1) * (x - 1) * (x - 2) / 2,
            -(x + 1) * x * (x - 2) / 2,
            (x + 1) * x * (x - 1) / 6,
        ],
        dim=1,
    )


def _fast_length(least: int) -> int:
    """The next length with no prime factor above 5."""
    size = least
    while True:
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return size
        size += 1
