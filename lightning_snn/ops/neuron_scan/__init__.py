"""A population of neurons over time."""

from lightning_snn.ops.neuron_scan.reference import neuron_scan

__all__ = ["neuron_scan"]
