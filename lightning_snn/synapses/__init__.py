"""Projections between layers."""

from lightning_snn.synapses.conv2d import Conv2d
from lightning_snn.synapses.dense import Dense
from lightning_snn.synapses.kinetics import ExponentialCurrent, Kinetics
from lightning_snn.synapses.pool2d import Pool2d
from lightning_snn.synapses.projection import Projection

__all__ = ["Conv2d", "Dense", "ExponentialCurrent", "Kinetics", "Pool2d", "Projection"]
