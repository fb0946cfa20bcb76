"""Spiking networks for PyTorch Lightning that wire themselves before they see data.

Nothing heavy is imported, and nothing in the process changes, before a name is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from lightning_snn import callbacks as callbacks
    from lightning_snn import core as core
    from lightning_snn import data as data
    from lightning_snn import development as development
    from lightning_snn import dynamics as dynamics
    from lightning_snn import encoders as encoders
    from lightning_snn import experiment as experiment
    from lightning_snn import geometry as geometry
    from lightning_snn import losses as losses
    from lightning_snn import metrics as metrics
    from lightning_snn import modules as modules
    from lightning_snn import network as network
    from lightning_snn import neurons as neurons
    from lightning_snn import ops as ops
    from lightning_snn import plasticity as plasticity
    from lightning_snn import presentation as presentation
    from lightning_snn import readout as readout
    from lightning_snn import stimuli as stimuli
    from lightning_snn import synapses as synapses
    from lightning_snn import trainer as trainer
    from lightning_snn import training as training
    from lightning_snn import viz as viz
    from lightning_snn.callbacks import Figures as Figures
    from lightning_snn.callbacks import NarrowDelays as NarrowDelays
    from lightning_snn.callbacks import Recorder as Recorder
    from lightning_snn.callbacks import SelfOrganization as SelfOrganization
    from lightning_snn.core.process import tune_process as tune_process
    from lightning_snn.data import MNIST as MNIST
    from lightning_snn.data import XOR as XOR
    from lightning_snn.data import Affine as Affine
    from lightning_snn.data import EvidenceAccumulation as EvidenceAccumulation
    from lightning_snn.data import FashionMNIST as FashionMNIST
    from lightning_snn.data import Flip as Flip
    from lightning_snn.data import GaussianNoise as GaussianNoise
    from lightning_snn.data import Occlusion as Occlusion
    from lightning_snn.data import Pattern as Pattern
    from lightning_snn.data import Perturbation as Perturbation
    from lightning_snn.data import Randman as Randman
    from lightning_snn.data import SaltAndPepper as SaltAndPepper
    from lightning_snn.data import Sequences as Sequences
    from lightning_snn.data import Shift as Shift
    from lightning_snn.data import pad_sequences as pad_sequences
    from lightning_snn.development import Control as Control
    from lightning_snn.development import self_organize as self_organize
    from lightning_snn.dynamics.reset import hard_reset as hard_reset
    from lightning_snn.dynamics.reset import soft_reset as soft_reset
    from lightning_snn.dynamics.surrogate import spike as spike
    from lightning_snn.encoders import ConstantCurrent as ConstantCurrent
    from lightning_snn.encoders import Encoder as Encoder
    from lightning_snn.encoders import Frames as Frames
    from lightning_snn.encoders import ImageEncoder as ImageEncoder
    from lightning_snn.encoders import Latency as Latency
    from lightning_snn.encoders import Poisson as Poisson
    from lightning_snn.geometry import Damaged as Damaged
    from lightning_snn.geometry import Disk as Disk
    from lightning_snn.geometry import Maps as Maps
    from lightning_snn.geometry import OnOff as OnOff
    from lightning_snn.geometry import Points as Points
    from lightning_snn.geometry import Scrambled as Scrambled
    from lightning_snn.geometry import Sheet as Sheet
    from lightning_snn.geometry import Square as Square
    from lightning_snn.geometry import Torus as Torus
    from lightning_snn.losses import BinaryCrossEntropy as BinaryCrossEntropy
    from lightning_snn.losses import CrossEntropy as CrossEntropy
    from lightning_snn.losses import LatencyCrossEntropy as LatencyCrossEntropy
    from lightning_snn.losses import Loss as Loss
    from lightning_snn.losses import MaxCrossEntropy as MaxCrossEntropy
    from lightning_snn.losses import MeanSquaredError as MeanSquaredError
    from lightning_snn.losses import RateBounds as RateBounds
    from lightning_snn.losses import Regulariser as Regulariser
    from lightning_snn.losses import StepCrossEntropy as StepCrossEntropy
    from lightning_snn.losses import SynapticOperations as SynapticOperations
    from lightning_snn.losses import VanRossum as VanRossum
    from lightning_snn.losses import VictorPurpura as VictorPurpura
    from lightning_snn.losses import WeightPenalty as WeightPenalty
    from lightning_snn.modules import SpikingAutoencoder as SpikingAutoencoder
    from lightning_snn.modules import SpikingClassifier as SpikingClassifier
    from lightning_snn.modules import SpikingModule as SpikingModule
    from lightning_snn.modules import SpikingRegressor as SpikingRegressor
    from lightning_snn.network import Connection as Connection
    from lightning_snn.network import NetworkState as NetworkState
    from lightning_snn.network import Node as Node
    from lightning_snn.network import Record as Record
    from lightning_snn.network import Recorded as Recorded
    from lightning_snn.network import Recording as Recording
    from lightning_snn.network import SpikingLayer as SpikingLayer
    from lightning_snn.network import SpikingNetwork as SpikingNetwork
    from lightning_snn.network import run_in_pieces as run_in_pieces
    from lightning_snn.neurons import LIF as LIF
    from lightning_snn.neurons import PLIF as PLIF
    from lightning_snn.neurons import SEW as SEW
    from lightning_snn.neurons import AdaptiveLIF as AdaptiveLIF
    from lightning_snn.neurons import AdEx as AdEx
    from lightning_snn.neurons import BalancedResonateFire as BalancedResonateFire
    from lightning_snn.neurons import ConductanceLIF as ConductanceLIF
    from lightning_snn.neurons import CurrentLIF as CurrentLIF
    from lightning_snn.neurons import HodgkinHuxley as HodgkinHuxley
    from lightning_snn.neurons import IntegrateFire as IntegrateFire
    from lightning_snn.neurons import Izhikevich as Izhikevich
    from lightning_snn.neurons import LeakyIntegrator as LeakyIntegrator
    from lightning_snn.neurons import NeuronModel as NeuronModel
    from lightning_snn.neurons import Parameter as Parameter
    from lightning_snn.neurons import QuadraticIF as QuadraticIF
    from lightning_snn.neurons import Relay as Relay
    from lightning_snn.neurons import ResonateFire as ResonateFire
    from lightning_snn.neurons import Tap as Tap
    from lightning_snn.neurons import constant as constant
    from lightning_snn.neurons import option as option
    from lightning_snn.plasticity import STDP as STDP
    from lightning_snn.plasticity import AdaptiveThreshold as AdaptiveThreshold
    from lightning_snn.plasticity import AntiHebbian as AntiHebbian
    from lightning_snn.plasticity import CompetitiveHebbian as CompetitiveHebbian
    from lightning_snn.plasticity import CompetitiveSTDP as CompetitiveSTDP
    from lightning_snn.plasticity import FirstSpikeSTDP as FirstSpikeSTDP
    from lightning_snn.plasticity import GainControl as GainControl
    from lightning_snn.plasticity import Homeostasis as Homeostasis
    from lightning_snn.plasticity import LearningRule as LearningRule
    from lightning_snn.plasticity import PairSTDP as PairSTDP
    from lightning_snn.plasticity import PostsynapticSTDP as PostsynapticSTDP
    from lightning_snn.plasticity import RewardSTDP as RewardSTDP
    from lightning_snn.plasticity import SynapticScaling as SynapticScaling
    from lightning_snn.plasticity import TargetRate as TargetRate
    from lightning_snn.plasticity import TripletSTDP as TripletSTDP
    from lightning_snn.plasticity import WeightNormalisation as WeightNormalisation
    from lightning_snn.readout import MLP as MLP
    from lightning_snn.readout import ClassAssignment as ClassAssignment
    from lightning_snn.readout import ExtremeLearningMachine as ExtremeLearningMachine
    from lightning_snn.readout import LeakyReadout as LeakyReadout
    from lightning_snn.readout import Linear as Linear
    from lightning_snn.readout import LocalReadout as LocalReadout
    from lightning_snn.readout import Readout as Readout
    from lightning_snn.readout import Ridge as Ridge
    from lightning_snn.readout import SequenceReadout as SequenceReadout
    from lightning_snn.readout import SpikingDelta as SpikingDelta
    from lightning_snn.readout import SpikingReadout as SpikingReadout
    from lightning_snn.readout import Votes as Votes
    from lightning_snn.stimuli import Images as Images
    from lightning_snn.stimuli import RewardedImages as RewardedImages
    from lightning_snn.stimuli import SmoothNoise as SmoothNoise
    from lightning_snn.stimuli import SpontaneousWaves as SpontaneousWaves
    from lightning_snn.stimuli import Stimulus as Stimulus
    from lightning_snn.synapses import TEBN as TEBN
    from lightning_snn.synapses import Columns as Columns
    from lightning_snn.synapses import Conv2d as Conv2d
    from lightning_snn.synapses import DelayedDense as DelayedDense
    from lightning_snn.synapses import Dense as Dense
    from lightning_snn.synapses import ExponentialCurrent as ExponentialCurrent
    from lightning_snn.synapses import Fields as Fields
    from lightning_snn.synapses import FoundFields as FoundFields
    from lightning_snn.synapses import Kinetics as Kinetics
    from lightning_snn.synapses import Lateral as Lateral
    from lightning_snn.synapses import LateralInhibition as LateralInhibition
    from lightning_snn.synapses import LateralKernel as LateralKernel
    from lightning_snn.synapses import LayerNorm as LayerNorm
    from lightning_snn.synapses import ListedFields as ListedFields
    from lightning_snn.synapses import Local as Local
    from lightning_snn.synapses import Normalisation as Normalisation
    from lightning_snn.synapses import OneToOne as OneToOne
    from lightning_snn.synapses import Pool2d as Pool2d
    from lightning_snn.synapses import Projection as Projection
    from lightning_snn.synapses import RoundFields as RoundFields
    from lightning_snn.synapses import TDBatchNorm as TDBatchNorm
    from lightning_snn.synapses import UniformInhibition as UniformInhibition
    from lightning_snn.synapses import WeightedProjection as WeightedProjection
    from lightning_snn.training import LSUV as LSUV
    from lightning_snn.training import OTTT as OTTT
    from lightning_snn.training import EProp as EProp
    from lightning_snn.training import FeedbackAlignment as FeedbackAlignment
    from lightning_snn.training import FluctuationDriven as FluctuationDriven
    from lightning_snn.training import Initialisation as Initialisation
    from lightning_snn.training import Kaiming as Kaiming
    from lightning_snn.training import Learning as Learning
    from lightning_snn.training import TrainingPhase as TrainingPhase
    from lightning_snn.training import initialise as initialise

_PUBLIC = {
    "callbacks": (
        "Figures", "NarrowDelays", "Recorder", "SelfOrganization",
    ),
    "core.process": (
        "tune_process",
    ),
    "data": (
        "MNIST", "XOR", "Affine", "EvidenceAccumulation", "FashionMNIST", "Flip", "GaussianNoise",
        "Occlusion", "Pattern", "Perturbation", "Randman", "SaltAndPepper", "Sequences", "Shift",
        "pad_sequences",
    ),
    "development": (
        "Control", "self_organize",
    ),
    "dynamics.reset": (
        "hard_reset", "soft_reset",
    ),
    "dynamics.surrogate": (
        "spike",
    ),
    "encoders": (
        "ConstantCurrent", "Encoder", "Frames", "ImageEncoder", "Latency", "Poisson",
    ),
    "geometry": (
        "Damaged", "Disk", "Maps", "OnOff", "Points", "Scrambled", "Sheet", "Square", "Torus",
    ),
    "losses": (
        "BinaryCrossEntropy", "CrossEntropy", "LatencyCrossEntropy", "Loss", "MaxCrossEntropy",
        "MeanSquaredError", "RateBounds", "Regulariser", "StepCrossEntropy", "SynapticOperations",
        "VanRossum", "VictorPurpura", "WeightPenalty",
    ),
    "modules": (
        "SpikingAutoencoder", "SpikingClassifier", "SpikingModule", "SpikingRegressor",
    ),
    "network": (
        "Connection", "NetworkState", "Node", "Record", "Recorded", "Recording", "SpikingLayer",
        "SpikingNetwork", "run_in_pieces",
    ),
    "neurons": (
        "LIF", "PLIF", "SEW", "AdEx", "AdaptiveLIF", "BalancedResonateFire", "ConductanceLIF", "CurrentLIF",
        "HodgkinHuxley", "IntegrateFire", "Izhikevich", "LeakyIntegrator", "NeuronModel", "Parameter",
        "QuadraticIF", "Relay", "ResonateFire", "Tap", "constant", "option",
    ),
    "plasticity": (
        "STDP", "AdaptiveThreshold", "AntiHebbian", "CompetitiveHebbian", "CompetitiveSTDP",
        "FirstSpikeSTDP", "GainControl", "Homeostasis", "LearningRule", "PairSTDP", "PostsynapticSTDP",
        "RewardSTDP", "SynapticScaling", "TargetRate", "TripletSTDP", "WeightNormalisation",
    ),
    "readout": (
        "MLP", "ClassAssignment", "ExtremeLearningMachine", "LeakyReadout", "Linear", "LocalReadout",
        "Readout", "Ridge", "SequenceReadout", "SpikingDelta", "SpikingReadout", "Votes",
    ),
    "stimuli": (
        "Images", "RewardedImages", "SmoothNoise", "SpontaneousWaves", "Stimulus",
    ),
    "synapses": (
        "TEBN", "Columns", "Conv2d", "DelayedDense", "Dense", "ExponentialCurrent", "Fields", "FoundFields",
        "Kinetics", "Lateral", "LateralInhibition", "LateralKernel", "LayerNorm", "ListedFields", "Local",
        "Normalisation", "OneToOne", "Pool2d", "Projection", "RoundFields", "TDBatchNorm",
        "UniformInhibition", "WeightedProjection",
    ),
    "training": (
        "LSUV", "OTTT", "EProp", "FeedbackAlignment", "FluctuationDriven", "Initialisation", "Kaiming",
        "Learning", "TrainingPhase", "initialise",
    ),
}  # fmt: skip
"""Public names by the room that offers them."""

_ROOM_OF = {name: room for room, names in _PUBLIC.items() for name in names}

_ROOMS = (
    "callbacks", "core", "data", "development", "dynamics", "encoders", "experiment", "geometry", "losses",
    "metrics", "modules", "network", "neurons", "ops", "plasticity", "presentation", "readout", "stimuli",
    "synapses", "trainer", "training", "viz",
)  # fmt: skip
"""What else is there as an attribute; ``cli`` is for the command."""

__all__ = sorted(_ROOM_OF)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            return import_module("lightning_snn.core.version").package_version()
        if name in _ROOMS:
            return import_module(f"lightning_snn.{name}")
        if name == "SpikingStack":
            raise ImportError("lightning_snn.SpikingStack is SpikingNetwork now, of layers and connections")
        if name not in _ROOM_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(f"lightning_snn.{_ROOM_OF[name]}"), name)
        return found


def __dir__() -> list[str]:
    own = {name for name in globals() if name.startswith("__")}
    return sorted({*own, *__all__, *_ROOMS, "__version__"})
