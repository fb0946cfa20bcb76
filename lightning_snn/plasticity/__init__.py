"""Learning rules that wire a projection from activity alone; one file a rule."""

from lightning_snn.plasticity.anti_hebbian import AntiHebbian
from lightning_snn.plasticity.competitive import CompetitiveHebbian
from lightning_snn.plasticity.delta import delta_update
from lightning_snn.plasticity.first_spike import FirstSpikeSTDP
from lightning_snn.plasticity.homeostasis import (
    AdaptiveThreshold,
    Homeostasis,
    SynapticScaling,
    TargetRate,
    WeightNormalisation,
)
from lightning_snn.plasticity.pair import PairSTDP
from lightning_snn.plasticity.postsynaptic import PostsynapticSTDP
from lightning_snn.plasticity.reward import RewardSTDP
from lightning_snn.plasticity.rule import Activity, LearningRule, Tensors
from lightning_snn.plasticity.stdp import STDP
from lightning_snn.plasticity.streams import Streams
from lightning_snn.plasticity.triplet import TripletSTDP

__all__ = [
    "STDP",
    "Activity",
    "AdaptiveThreshold",
    "AntiHebbian",
    "CompetitiveHebbian",
    "FirstSpikeSTDP",
    "Homeostasis",
    "LearningRule",
    "PairSTDP",
    "PostsynapticSTDP",
    "RewardSTDP",
    "Streams",
    "SynapticScaling",
    "TargetRate",
    "Tensors",
    "TripletSTDP",
    "WeightNormalisation",
    "delta_update",
]
