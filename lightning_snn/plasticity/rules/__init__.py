"""Learning rules that wire a projection from activity alone; one file a rule."""

from lightning_snn.plasticity.rules.anti_hebbian import AntiHebbian
from lightning_snn.plasticity.rules.competitive_hebbian import CompetitiveHebbian
from lightning_snn.plasticity.rules.competitive_stdp import CompetitiveSTDP
from lightning_snn.plasticity.rules.first_spike_stdp import FirstSpikeSTDP
from lightning_snn.plasticity.rules.gain_control import GainControl
from lightning_snn.plasticity.rules.pair_stdp import PairSTDP
from lightning_snn.plasticity.rules.postsynaptic_stdp import PostsynapticSTDP
from lightning_snn.plasticity.rules.reward_stdp import RewardSTDP
from lightning_snn.plasticity.rules.stdp import STDP
from lightning_snn.plasticity.rules.triplet_stdp import TripletSTDP

__all__ = [
    "STDP",
    "AntiHebbian",
    "CompetitiveHebbian",
    "CompetitiveSTDP",
    "FirstSpikeSTDP",
    "GainControl",
    "PairSTDP",
    "PostsynapticSTDP",
    "RewardSTDP",
    "TripletSTDP",
]
