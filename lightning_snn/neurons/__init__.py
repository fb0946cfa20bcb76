"""Neuron models: one file a model, its constants and its equations."""

from lightning_snn.neurons.adaptive_lif import AdaptiveLIF
from lightning_snn.neurons.adex import AdEx
from lightning_snn.neurons.balanced_resonate_fire import BalancedResonateFire
from lightning_snn.neurons.conductance_lif import ConductanceLIF
from lightning_snn.neurons.current_lif import CurrentLIF
from lightning_snn.neurons.fields import constant, option
from lightning_snn.neurons.hodgkin_huxley import HodgkinHuxley
from lightning_snn.neurons.integrate_fire import IntegrateFire
from lightning_snn.neurons.izhikevich import Izhikevich
from lightning_snn.neurons.leaky_integrator import LeakyIntegrator
from lightning_snn.neurons.lif import LIF
from lightning_snn.neurons.model import NeuronModel
from lightning_snn.neurons.parameters import Parameter
from lightning_snn.neurons.plif import PLIF
from lightning_snn.neurons.quadratic_if import QuadraticIF
from lightning_snn.neurons.relay import Relay
from lightning_snn.neurons.resonate_fire import ResonateFire
from lightning_snn.neurons.sew import SEW
from lightning_snn.ops.tap import Tap

__all__ = [
    "LIF",
    "PLIF",
    "SEW",
    "AdEx",
    "AdaptiveLIF",
    "BalancedResonateFire",
    "ConductanceLIF",
    "CurrentLIF",
    "HodgkinHuxley",
    "IntegrateFire",
    "Izhikevich",
    "LeakyIntegrator",
    "NeuronModel",
    "Parameter",
    "QuadraticIF",
    "Relay",
    "ResonateFire",
    "Tap",
    "constant",
    "option",
]
