"""What carries spikes: projections between layers, and coupling inside one."""

from lightning_snn.synapses.columns import Columns
from lightning_snn.synapses.conv2d import Conv2d
from lightning_snn.synapses.delayed_dense import DelayedDense
from lightning_snn.synapses.dense import Dense
from lightning_snn.synapses.fields import Fields, FoundFields, ListedFields, RoundFields
from lightning_snn.synapses.kinetics import ExponentialCurrent, Kinetics
from lightning_snn.synapses.lateral import Coupling, Lateral
from lightning_snn.synapses.lateral_inhibition import LateralInhibition
from lightning_snn.synapses.lateral_kernel import LateralKernel
from lightning_snn.synapses.layer_norm import LayerNorm
from lightning_snn.synapses.local import Local
from lightning_snn.synapses.normalisation import Normalisation
from lightning_snn.synapses.one_to_one import OneToOne
from lightning_snn.synapses.pool2d import Pool2d
from lightning_snn.synapses.projection import Projection
from lightning_snn.synapses.td_batch_norm import TEBN, TDBatchNorm
from lightning_snn.synapses.uniform_inhibition import UniformInhibition
from lightning_snn.synapses.weighted import WeightedProjection

__all__ = [
    "TEBN",
    "Columns",
    "Conv2d",
    "Coupling",
    "DelayedDense",
    "Dense",
    "ExponentialCurrent",
    "Fields",
    "FoundFields",
    "Kinetics",
    "Lateral",
    "LateralInhibition",
    "LateralKernel",
    "LayerNorm",
    "ListedFields",
    "Local",
    "Normalisation",
    "OneToOne",
    "Pool2d",
    "Projection",
    "RoundFields",
    "TDBatchNorm",
    "UniformInhibition",
    "WeightedProjection",
]
