"""Neuron models: one file a model, its constants and its equations."""

from lightning_snn.neurons.conductance_lif import ConductanceLIF
from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.integrate_fire import IntegrateFire
from lightning_snn.neurons.izhikevich import Izhikevich
from lightning_snn.neurons.lif import LIF
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter
from lightning_snn.neurons.relay import Relay

__all__ = [
    "LIF",
    "ConductanceLIF",
    "IntegrateFire",
    "Izhikevich",
    "NeuronModel",
    "Parameter",
    "Relay",
    "constant",
    "option",
]
