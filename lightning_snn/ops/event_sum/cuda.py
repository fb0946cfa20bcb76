"""Sum of the rows of the nodes that fired, on a GPU: torch's embedding bag is one kernel there."""

from lightning_snn.ops.event_sum.reference import event_outer, event_sum

__all__ = ["event_outer", "event_sum"]
