"""Learning rules that wire a projection from activity alone; one file a rule."""

from lightning_snn.plasticity.competitive import CompetitiveHebbian
from lightning_snn.plasticity.rule import LearningRule, Tensors
from lightning_snn.plasticity.stdp import STDP
from lightning_snn.plasticity.streams import Streams

__all__ = ["STDP", "CompetitiveHebbian", "LearningRule", "Streams", "Tensors"]
