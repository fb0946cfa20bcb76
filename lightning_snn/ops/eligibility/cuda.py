"""Eligibility vectors over some steps on a GPU: torch's products of batches."""

from lightning_snn.ops.eligibility.reference import eligibility

__all__ = ["eligibility"]
