"""Encoders: what a batch (images, event frames, spike trains) becomes over time; one file an encoder."""

from lightning_snn.encoders.constant_current import ConstantCurrent
from lightning_snn.encoders.encoder import Encoder
from lightning_snn.encoders.frames import Frames
from lightning_snn.encoders.image_encoder import ANY_VALUE, ImageEncoder
from lightning_snn.encoders.latency import Latency
from lightning_snn.encoders.poisson import Poisson

__all__ = ["ANY_VALUE", "ConstantCurrent", "Encoder", "Frames", "ImageEncoder", "Latency", "Poisson"]
