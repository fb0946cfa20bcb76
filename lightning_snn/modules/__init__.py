"""LightningModules."""

from lightning_snn.modules.base import SpikingModule
from lightning_snn.modules.classifier import SpikingClassifier

__all__ = ["SpikingClassifier", "SpikingModule"]
