"""Callbacks: the self-organising phase, and figures of what it did."""

from lightning_snn.callbacks.figures import Figures
from lightning_snn.callbacks.self_organization import SelfOrganization

__all__ = ["Figures", "SelfOrganization"]
