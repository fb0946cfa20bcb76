"""Input from a neighbour list and a mesh: torch's FFT between numba kernels with the reference's bits."""
# mypy: disallow-untyped-defs=False
# ruff: noqa: ANN001, ANN202

import numpy as np
from torch import Tensor

from lightning_snn.ops import parallel
from lightning_snn.ops.jit import array, collect, jit
from lightning_snn.ops.mesh_sum.mesh import Mesh, convolve


def mesh_sum(spikes: Tensor, starts: Tensor, targets: Tensor, strengths: Tensor, mesh: Mesh) -> Tensor:
    """See `lightning_snn.ops.mesh_sum.mesh_sum`."""
    batch, num_nodes = spikes.shape
    rows, columns = mesh.stored
    fired, count = np.empty((batch, num_nodes), np.int64), np.empty(batch, np.int64)
    corner = array(mesh.corner).view(np.uint32)  # unsigned: numba checks signed places for wrapping round
    stencil = (corner, array(mesh.across), array(mesh.down), columns)
    charge = mesh.across.new_zeros(batch, rows, columns)
    sent = array(spikes)
    _deposit(sent, fired, count, *stencil, charge.view(batch, -1).numpy())
    field = convolve(charge, mesh).flatten(1)
    total = field.new_empty(batch, num_nodes)
    near = (array(starts), array(targets), array(strengths))
    arguments = (array(field), *stencil, sent, fired, count, *near, total.numpy())
    parallel.split(num_nodes, lambda first, last: _spread(*arguments, first, last))
    return total


@jit
def _deposit(spikes, fired, count, corner, across, down, columns, charge):
    for b in range(len(spikes)):
        count[b] = collect(spikes[b], fired[b])
        for k in range(count[b]):
            node = fired[b, k]
            for row in range(down.shape[1]):
                for column in range(across.shape[1]):
                    share = down[node, row] * across[node, column]
                    charge[b, corner[node] + row * columns + column] += spikes[b, node] * share


@jit
def _spread(
    field, corner, across, down, columns, spikes, fired, count, starts, targets, strengths, total, first, last
):
    """Nodes ``first .. last - 1``: the field of the mesh, then the near nodes that fired, in their order."""
    for b in range(len(field)):
        _interpolate(field[b], corner, across, down, np.uint32(columns), total[b], first, last)
        for k in range(count[b]):
            node = fired[b, k]
            low, high = starts[node], starts[node + 1]
            if first > 0:
                low += np.searchsorted(targets[low:high], first)
            for pair in range(low, high):
                target = targets[pair]
                if target >= last:
                    break
                total[b, target] += spikes[b, node] * strengths[pair]


@jit
def _interpolate(field, corner, across, down, columns, total, first, last):
    for i in range(first, last):
        a0, a1, a2, a3 = across[i, 0], across[i, 1], across[i, 2], across[i, 3]
        j = corner[i]
        row0 = ((a0 * field[j] + a1 * field[j + 1]) + a2 * field[j + 2]) + a3 * field[j + 3]
        j += columns
        row1 = ((a0 * field[j] + a1 * field[j + 1]) + a2 * field[j + 2]) + a3 * field[j + 3]
        j += columns
        row2 = ((a0 * field[j] + a1 * field[j + 1]) + a2 * field[j + 2]) + a3 * field[j + 3]
        j += columns
        row3 = ((a0 * field[j] + a1 * field[j + 1]) + a2 * field[j + 2]) + a3 * field[j + 3]
        total[i] = ((down[i, 0] * row0 + down[i, 1] * row1) + down[i, 2] * row2) + down[i, 3] * row3
