"""STDP with one winner a step over the spikes of a chunk, each stream on its own weights."""

from lightning_snn.ops.stdp_scan.reference import STDPConstants, STDPState, stdp_scan

__all__ = ["STDPConstants", "STDPState", "stdp_scan"]
