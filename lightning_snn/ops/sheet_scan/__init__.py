"""A sheet of laterally coupled neurons over time."""

from lightning_snn.ops.sheet_scan.reference import sheet_scan

__all__ = ["sheet_scan"]
