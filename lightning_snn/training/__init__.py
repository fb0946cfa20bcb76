"""How networks are trained: phases, initialisation, online rules."""

from lightning_snn.training.phase import TrainingPhase

__all__ = ["TrainingPhase"]
