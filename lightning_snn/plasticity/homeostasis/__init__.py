"""What keeps weights and activity in bounds, beside any learning rule; one file a regulator."""

from lightning_snn.plasticity.homeostasis.adaptive_threshold import AdaptiveThreshold
from lightning_snn.plasticity.homeostasis.homeostasis import THRESHOLD_RISE, Homeostasis, add_variables
from lightning_snn.plasticity.homeostasis.synaptic_scaling import SynapticScaling
from lightning_snn.plasticity.homeostasis.target_rate import TargetRate
from lightning_snn.plasticity.homeostasis.weight_normalisation import WeightNormalisation

__all__ = [
    "THRESHOLD_RISE",
    "AdaptiveThreshold",
    "Homeostasis",
    "SynapticScaling",
    "TargetRate",
    "WeightNormalisation",
    "add_variables",
]
