"""Sum of the rows of the nodes that fired."""

from lightning_snn.ops.event_sum.reference import event_sum

__all__ = ["event_sum"]
