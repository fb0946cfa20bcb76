"""Projections between layers."""

from lightning_snn.synapses.dense import Dense
from lightning_snn.synapses.projection import Projection

__all__ = ["Dense", "Projection"]
