"""Rules that learn while a network runs, and backpropagation with feedback weights of its own."""

from lightning_snn.training.online.eprop import EProp
from lightning_snn.training.online.feedback_alignment import FeedbackAlignment
from lightning_snn.training.online.learning import Learning
from lightning_snn.training.online.ottt import OTTT

__all__ = ["OTTT", "EProp", "FeedbackAlignment", "Learning"]
