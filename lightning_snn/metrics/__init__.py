"""Measures of receptive fields and of activity: pure functions, and torchmetrics classes for their mean.

The functions are in `lightning_snn.metrics.functional` and return a value for each unit or sample; a class
of this package averages one of them over updates and processes.
"""

from lightning_snn.metrics.activity import FiringRate, Sparsity
from lightning_snn.metrics.functional import (
    compactness,
    coverage,
    field_centre,
    field_size,
    firing_rate,
    localised,
    rms_radius,
    round_radius,
    sparsity,
)
from lightning_snn.metrics.receptive_fields import Compactness, Coverage, FieldSize, LocalisedShare, RmsRadius

__all__ = [
    "Compactness",
    "Coverage",
    "FieldSize",
    "FiringRate",
    "LocalisedShare",
    "RmsRadius",
    "Sparsity",
    "compactness",
    "coverage",
    "field_centre",
    "field_size",
    "firing_rate",
    "localised",
    "rms_radius",
    "round_radius",
    "sparsity",
]
