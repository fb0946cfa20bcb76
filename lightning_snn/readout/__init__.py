"""Readouts: from features to class scores."""

from lightning_snn.readout.local import ClassAssignment, SpikingDelta
from lightning_snn.readout.over_time import LeakyReadout, SpikingReadout
from lightning_snn.readout.readout import LocalReadout, Readout, SequenceReadout, check_gradients
from lightning_snn.readout.ridge import Ridge
from lightning_snn.readout.trained import MLP, ExtremeLearningMachine, Linear
from lightning_snn.readout.votes import Votes

__all__ = [
    "MLP",
    "ClassAssignment",
    "ExtremeLearningMachine",
    "LeakyReadout",
    "Linear",
    "LocalReadout",
    "Readout",
    "Ridge",
    "SequenceReadout",
    "SpikingDelta",
    "SpikingReadout",
    "Votes",
    "check_gradients",
]
