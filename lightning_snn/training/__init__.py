"""How networks are trained: phases, initialisation, online rules."""

from lightning_snn.training.initialisation import (
    LSUV,
    FluctuationDriven,
    Initialisation,
    Kaiming,
    initialise,
)

__all__ = ["LSUV", "FluctuationDriven", "Initialisation", "Kaiming", "initialise"]
