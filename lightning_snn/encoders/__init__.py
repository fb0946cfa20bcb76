"""Encoders: grey values to input currents over time; one file an encoder."""

from lightning_snn.encoders.constant_current import ConstantCurrent
from lightning_snn.encoders.encoder import Encoder
from lightning_snn.encoders.latency import Latency
from lightning_snn.encoders.poisson import Poisson

__all__ = ["ConstantCurrent", "Encoder", "Latency", "Poisson"]
