"""Spiking networks for PyTorch Lightning that wire themselves before they see data."""

from lightning_snn import process as process
from lightning_snn.callbacks import Figures, SelfOrganization
from lightning_snn.data import MNIST, XOR, FashionMNIST
from lightning_snn.encoding import ConstantCurrent, Encoder, Latency, Poisson
from lightning_snn.geometry import Disk, Maps, OnOff, Points, Sheet, Square, Torus
from lightning_snn.lateral import LateralKernel
from lightning_snn.lateral_inhibition import LateralInhibition
from lightning_snn.module import SpikingClassifier
from lightning_snn.network import Node, SpikingLayer, SpikingStack
from lightning_snn.neurons import LIF, ConductanceLIF, IntegrateFire, Izhikevich, NeuronModel, Relay
from lightning_snn.plasticity import (
    STDP,
    AdaptiveThreshold,
    AntiHebbian,
    CompetitiveHebbian,
    FirstSpikeSTDP,
    Homeostasis,
    LearningRule,
    PairSTDP,
    PostsynapticSTDP,
    RewardSTDP,
    SynapticScaling,
    TargetRate,
    TripletSTDP,
    WeightNormalisation,
)
from lightning_snn.readout import MLP, ClassAssignment, ExtremeLearningMachine, Linear, Readout, SpikingDelta
from lightning_snn.stimuli import Images, RewardedImages, SpontaneousWaves, Stimulus
from lightning_snn.synapses import (
    Columns,
    Conv2d,
    Dense,
    ExponentialCurrent,
    Local,
    Pool2d,
    Projection,
    RoundFields,
)

__all__ = [
    "LIF",
    "MLP",
    "MNIST",
    "STDP",
    "XOR",
    "AdaptiveThreshold",
    "AntiHebbian",
    "ClassAssignment",
    "Columns",
    "CompetitiveHebbian",
    "ConductanceLIF",
    "ConstantCurrent",
    "Conv2d",
    "Dense",
    "Disk",
    "Encoder",
    "ExponentialCurrent",
    "ExtremeLearningMachine",
    "FashionMNIST",
    "Figures",
    "FirstSpikeSTDP",
    "Homeostasis",
    "Images",
    "IntegrateFire",
    "Izhikevich",
    "Latency",
    "LateralInhibition",
    "LateralKernel",
    "LearningRule",
    "Linear",
    "Local",
    "Maps",
    "NeuronModel",
    "Node",
    "OnOff",
    "PairSTDP",
    "Points",
    "Poisson",
    "Pool2d",
    "PostsynapticSTDP",
    "Projection",
    "Readout",
    "Relay",
    "RewardSTDP",
    "RewardedImages",
    "RoundFields",
    "SelfOrganization",
    "Sheet",
    "SpikingClassifier",
    "SpikingDelta",
    "SpikingLayer",
    "SpikingStack",
    "SpontaneousWaves",
    "Square",
    "Stimulus",
    "SynapticScaling",
    "TargetRate",
    "Torus",
    "TripletSTDP",
    "WeightNormalisation",
]
