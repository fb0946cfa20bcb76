"""A leaky sum over time on a GPU: the reference's steps are kernels there."""

from lightning_snn.ops.exponential_filter.reference import exponential_filter

__all__ = ["exponential_filter"]
