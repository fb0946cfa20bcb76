"""LightningModules."""

from lightning_snn.modules.autoencoder import SpikingAutoencoder
from lightning_snn.modules.base import SpikingModule
from lightning_snn.modules.classifier import SpikingClassifier
from lightning_snn.modules.regressor import SpikingRegressor

__all__ = ["SpikingAutoencoder", "SpikingClassifier", "SpikingModule", "SpikingRegressor"]
