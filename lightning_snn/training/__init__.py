"""How networks are trained: phases, initialisation, online rules."""

from lightning_snn.training.online import OTTT, EProp, FeedbackAlignment, Learning

__all__ = ["OTTT", "EProp", "FeedbackAlignment", "Learning"]
