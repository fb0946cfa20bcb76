"""Layers of spiking neurons, connections between them, and networks of both."""

from lightning_snn.network.connection import Connection
from lightning_snn.network.layer import LayerState, Node, SpikingLayer
from lightning_snn.network.network import NetworkState, SpikingNetwork

__all__ = ["Connection", "LayerState", "NetworkState", "Node", "SpikingLayer", "SpikingNetwork"]
