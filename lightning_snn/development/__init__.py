"""The wiring of connections: rounds, reports, the phase, and the controls that a network is compared with."""

from lightning_snn.development.controls import Control
from lightning_snn.development.standalone import self_organize

__all__ = ["Control", "self_organize"]
