"""Callbacks: the self-organising phase, figures of what it did, and recordings."""

from lightning_snn.callbacks.figures import Figures
from lightning_snn.callbacks.narrow_delays import NarrowDelays
from lightning_snn.callbacks.recorder import Recorder
from lightning_snn.callbacks.self_organization import SelfOrganization

__all__ = ["Figures", "NarrowDelays", "Recorder", "SelfOrganization"]
