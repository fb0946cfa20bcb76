"""Readouts: from features to class scores."""

from lightning_snn.readout.local import ClassAssignment, SpikingDelta
from lightning_snn.readout.readout import LocalReadout, Readout, SequenceReadout, check_gradients
from lightning_snn.readout.ridge import Ridge
from lightning_snn.readout.trained import MLP, ExtremeLearningMachine, Linear

__all__ = [
    "MLP",
    "ClassAssignment",
    "ExtremeLearningMachine",
    "Linear",
    "LocalReadout",
    "Readout",
    "Ridge",
    "SequenceReadout",
    "SpikingDelta",
    "check_gradients",
]
