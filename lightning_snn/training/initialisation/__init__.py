"""The weights that gradients start from, by name."""

from lightning_snn.training.initialisation.fluctuation_driven import FluctuationDriven
from lightning_snn.training.initialisation.initialisation import Initialisation, initialise
from lightning_snn.training.initialisation.kaiming import Kaiming
from lightning_snn.training.initialisation.lsuv import LSUV

__all__ = ["LSUV", "FluctuationDriven", "Initialisation", "Kaiming", "initialise"]
