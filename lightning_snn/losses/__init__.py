"""Losses of what readouts give, and regularisers."""

from lightning_snn.losses.binary_cross_entropy import BinaryCrossEntropy
from lightning_snn.losses.cross_entropy import CrossEntropy
from lightning_snn.losses.latency_cross_entropy import LatencyCrossEntropy
from lightning_snn.losses.loss import Loss
from lightning_snn.losses.max_cross_entropy import MaxCrossEntropy
from lightning_snn.losses.mean_squared_error import MeanSquaredError
from lightning_snn.losses.rate_bounds import RateBounds
from lightning_snn.losses.regulariser import Regulariser, check_regularisers
from lightning_snn.losses.step_cross_entropy import StepCrossEntropy
from lightning_snn.losses.synaptic_operations import SynapticOperations
from lightning_snn.losses.van_rossum import VanRossum
from lightning_snn.losses.victor_purpura import VictorPurpura
from lightning_snn.losses.weight_penalty import WeightPenalty

__all__ = [
    "BinaryCrossEntropy",
    "CrossEntropy",
    "LatencyCrossEntropy",
    "Loss",
    "MaxCrossEntropy",
    "MeanSquaredError",
    "RateBounds",
    "Regulariser",
    "StepCrossEntropy",
    "SynapticOperations",
    "VanRossum",
    "VictorPurpura",
    "WeightPenalty",
    "check_regularisers",
]
