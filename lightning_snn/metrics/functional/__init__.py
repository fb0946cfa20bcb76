"""The measures as functions without state."""

from lightning_snn.metrics.functional.activity import firing_rate, sparsity
from lightning_snn.metrics.functional.fields import (
    check_distances,
    compactness,
    coverage,
    field_centre,
    field_size,
    localised,
    rms_radius,
    round_radius,
)

__all__ = [
    "check_distances",
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
