"""Input from a neighbour list and a mesh, on a GPU: the reference's scatters and FFTs are kernels there."""

from lightning_snn.ops.mesh_sum.reference import mesh_sum

__all__ = ["mesh_sum"]
