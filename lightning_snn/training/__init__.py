"""How networks are trained: phases, initialisation, online rules."""

from lightning_snn.training.initialisation import (
    LSUV,
    FluctuationDriven,
    Initialisation,
    Kaiming,
    initialise,
)
from lightning_snn.training.online import OTTT, EProp, FeedbackAlignment, Learning
from lightning_snn.training.phase import TrainingPhase

__all__ = [
    "LSUV",
    "OTTT",
    "EProp",
    "FeedbackAlignment",
    "FluctuationDriven",
    "Initialisation",
    "Kaiming",
    "Learning",
    "TrainingPhase",
    "initialise",
]
