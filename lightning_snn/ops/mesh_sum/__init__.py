"""Input that the nodes that fired give to all nodes: near ones by a list, far ones over a mesh."""

import torch
from torch import Tensor

from lightning_snn.ops import backend
from lightning_snn.ops.mesh_sum import reference
from lightning_snn.ops.mesh_sum.mesh import STENCIL, Mesh

__all__ = ["STENCIL", "Mesh", "mesh_sum"]


def mesh_sum(spikes: Tensor, starts: Tensor, targets: Tensor, strengths: Tensor, mesh: Mesh) -> Tensor:
    """Sum over the nodes that fired of what the neighbour list and the mesh say, times their spikes.

    Args:
        spikes: ``[B, N]``: 0 or 1, or graded values of any size and sign.
        starts: Where the neighbours of each node start ``[N + 1]``, int64.
        targets: The neighbours ``[E]``, ascending for each node, int32.
        strengths: What each neighbour receives ``[E]``.
        mesh: The mesh and its kernel.

    Returns:
        ``[B, N]``. No gradient.

    Raises:
        ValueError: if ``spikes`` is not ``[B, N]``, or on another device.
    """
    nodes = len(starts) - 1
    if spikes.ndim != 2 or spikes.shape[1] != nodes or spikes.device != starts.device:
        raise ValueError(
            f"spikes must be [B, {nodes}] on {starts.device}, got {list(spikes.shape)} on {spikes.device}"
        )
    near, spikes = (starts, targets, strengths), spikes.to(strengths.dtype)
    with torch.no_grad():
        return backend.run(
            __name__,
            spikes.device,
            lambda: _sum(spikes, *near, *mesh),
            lambda: reference.mesh_sum(spikes, *near, mesh),
        )


@torch.library.custom_op("lightning_snn::mesh_sum", mutates_args=())
def _op(
    spikes: Tensor,
    starts: Tensor,
    targets: Tensor,
    strengths: Tensor,
    corner: Tensor,
    across: Tensor,
    down: Tensor,
    spectrum: Tensor,
    height: int,
    width: int,
) -> Tensor:
    mesh = Mesh(corner, across, down, spectrum, height, width)
    total: Tensor = backend.kernels(__name__, spikes.device).mesh_sum(
        spikes, starts, targets, strengths, mesh
    )
    return total


@_op.register_fake
def _(spikes: Tensor, starts: Tensor, targets: Tensor, strengths: Tensor, *_: object) -> Tensor:
    del starts, targets
    return strengths.new_empty(spikes.shape)


def _sum(*arguments: Tensor | int) -> Tensor:
    total: Tensor = _op(*arguments)
    return total
