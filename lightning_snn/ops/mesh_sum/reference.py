"""Input from a neighbour list and a mesh, in pure PyTorch."""

import torch
from torch import Tensor

from lightning_snn.ops.mesh_sum.mesh import STENCIL, Mesh, convolve


def mesh_sum(spikes: Tensor, starts: Tensor, targets: Tensor, strengths: Tensor, mesh: Mesh) -> Tensor:
    """See `lightning_snn.ops.mesh_sum.mesh_sum`."""
    batch, num_nodes = spikes.shape
    sample, node = spikes.nonzero(as_tuple=True)
    sent = spikes[sample, node]
    rows, columns = mesh.stored
    side = torch.arange(STENCIL, device=spikes.device)
    points = mesh.corner[:, None] + (side[:, None] * columns + side).flatten()
    shares = (mesh.down[:, :, None] * mesh.across[:, None, :]).flatten(1)
    charge = mesh.across.new_zeros(batch * rows * columns)
    deposited = (sent[:, None] * shares[node]).flatten()
    charge.index_add_(0, (points[node] + sample[:, None] * rows * columns).flatten(), deposited)
    field = convolve(charge.view(batch, rows, columns), mesh).flatten(1)
    total = torch.zeros(batch, num_nodes, dtype=field.dtype, device=field.device)
    for row in range(STENCIL):
        along = torch.zeros_like(total)
        for column in range(STENCIL):
            along = along + mesh.across[:, column] * field[:, points[:, row * STENCIL + column]]
        total = total + mesh.down[:, row] * along
    count = starts[node + 1] - starts[node]
    first = starts[node] - (count.cumsum(0) - count)
    pair = torch.arange(int(count.sum()), device=spikes.device) + first.repeat_interleave(count)
    place = targets[pair] + (sample * num_nodes).repeat_interleave(count)
    total.view(-1).index_add_(0, place, sent.repeat_interleave(count) * strengths[pair])
    return total
