"""Neurons that send the same to all others, over time."""

from lightning_snn.ops.uniform_scan.reference import uniform_scan

__all__ = ["uniform_scan"]
