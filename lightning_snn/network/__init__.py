"""Layers of spiking neurons and stacks of layers."""

from lightning_snn.network.layer import LayerState, Node, SpikingLayer
from lightning_snn.network.stack import SpikingStack

__all__ = ["LayerState", "Node", "SpikingLayer", "SpikingStack"]
