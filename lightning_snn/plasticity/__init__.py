"""Learning rules and homeostasis: how activity alone wires a projection."""

from lightning_snn.plasticity.activity import Activity
from lightning_snn.plasticity.delta import delta_update
from lightning_snn.plasticity.homeostasis import (
    AdaptiveThreshold,
    Homeostasis,
    SynapticScaling,
    TargetRate,
    WeightNormalisation,
)
from lightning_snn.plasticity.rule import LearningRule
from lightning_snn.plasticity.rules import (
    STDP,
    AntiHebbian,
    CompetitiveHebbian,
    CompetitiveSTDP,
    FirstSpikeSTDP,
    GainControl,
    PairSTDP,
    PostsynapticSTDP,
    RewardSTDP,
    TripletSTDP,
)
from lightning_snn.plasticity.streams import Streams

__all__ = [
    "STDP",
    "Activity",
    "AdaptiveThreshold",
    "AntiHebbian",
    "CompetitiveHebbian",
    "CompetitiveSTDP",
    "FirstSpikeSTDP",
    "GainControl",
    "Homeostasis",
    "LearningRule",
    "PairSTDP",
    "PostsynapticSTDP",
    "RewardSTDP",
    "Streams",
    "SynapticScaling",
    "TargetRate",
    "TripletSTDP",
    "WeightNormalisation",
    "delta_update",
]
