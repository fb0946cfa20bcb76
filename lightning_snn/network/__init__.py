"""Layers of spiking neurons, connections between them, and networks of both."""

from lightning_snn.network.connection import Connection
from lightning_snn.network.layer import LayerState, Node, SpikingLayer
from lightning_snn.network.network import NetworkState, SpikingNetwork
from lightning_snn.network.pieces import run_in_pieces
from lightning_snn.network.record import Record, Recorded, Recording, RecordingTooLargeError

__all__ = [
    "Connection",
    "LayerState",
    "NetworkState",
    "Node",
    "Record",
    "Recorded",
    "Recording",
    "RecordingTooLargeError",
    "SpikingLayer",
    "SpikingNetwork",
    "run_in_pieces",
]
