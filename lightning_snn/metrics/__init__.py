"""Measures of receptive fields, of activity and of waves: pure functions, and torchmetrics classes.

The functions are in `lightning_snn.metrics.functional` and return a value for each unit, neuron or sample; a
class of this package takes the mean, or what else is said there, over updates and processes.
"""

from lightning_snn.metrics.activity import FiringRate, Sparsity
from lightning_snn.metrics.distances import VanRossumDistance, VictorPurpuraDistance
from lightning_snn.metrics.functional import (
    Waves,
    compactness,
    count_correlation,
    coverage,
    fano_factor,
    field_centre,
    field_size,
    find_waves,
    firing_rate,
    interspike_intervals,
    interval_cv,
    localised,
    rms_radius,
    round_radius,
    sparsity,
    van_rossum_distance,
    victor_purpura_distance,
    wave_summary,
)
from lightning_snn.metrics.receptive_fields import Compactness, Coverage, FieldSize, LocalisedShare, RmsRadius
from lightning_snn.metrics.variability import CountCorrelation, FanoFactor, InterspikeInterval, IntervalCV
from lightning_snn.metrics.waves import WaveSummary

__all__ = [
    "Compactness",
    "CountCorrelation",
    "Coverage",
    "FanoFactor",
    "FieldSize",
    "FiringRate",
    "InterspikeInterval",
    "IntervalCV",
    "LocalisedShare",
    "RmsRadius",
    "Sparsity",
    "VanRossumDistance",
    "VictorPurpuraDistance",
    "WaveSummary",
    "Waves",
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
