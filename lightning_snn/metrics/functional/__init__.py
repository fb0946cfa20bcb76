"""The measures as functions without state."""

from lightning_snn.metrics.functional.activity import firing_rate, sparsity
from lightning_snn.metrics.functional.counts import count_correlation, fano_factor
from lightning_snn.metrics.functional.distances import van_rossum_distance, victor_purpura_distance
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
from lightning_snn.metrics.functional.intervals import interspike_intervals, interval_cv
from lightning_snn.metrics.functional.wave_summary import wave_summary
from lightning_snn.metrics.functional.waves import Waves, find_waves

__all__ = [
    "Waves",
    "check_distances",
    "compactness",
    "count_correlation",
    "coverage",
    "fano_factor",
    "field_centre",
    "field_size",
    "find_waves",
    "firing_rate",
    "interspike_intervals",
    "interval_cv",
    "localised",
    "rms_radius",
    "round_radius",
    "sparsity",
    "van_rossum_distance",
    "victor_purpura_distance",
    "wave_summary",
]
