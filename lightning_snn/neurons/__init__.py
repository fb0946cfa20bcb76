"""Neuron models as modules: thin shells around `lightning_snn.dynamics`; one file a model."""

from lightning_snn.neurons.conductance_lif import ConductanceLIF
from lightning_snn.neurons.integrate_fire import IntegrateFire
from lightning_snn.neurons.izhikevich import Izhikevich
from lightning_snn.neurons.lif import LIF
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.relay import Relay

__all__ = ["LIF", "ConductanceLIF", "IntegrateFire", "Izhikevich", "NeuronModel", "Relay"]
