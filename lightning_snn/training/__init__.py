"""How networks are trained: phases, initialisation, online rules."""

from lightning_snn.training.online import OTTT, EProp, FeedbackAlignment, Learning
from lightning_snn.training.phase import TrainingPhase

__all__ = ["OTTT", "EProp", "FeedbackAlignment", "Learning", "TrainingPhase"]
