"""Figures of layers, activity, receptive fields and results.

Every function takes tensors or arrays and returns a `matplotlib.figure.Figure` that belongs to nobody:
pyplot is not involved, so there is no display, no global state and nothing to close. Save one with
``figure.savefig("waves.png")``, log one with ``wandb.Image(figure)`` or TensorBoard's ``add_figure``.
"""

from lightning_snn.viz.activity import raster, wave_frames
from lightning_snn.viz.curves import accuracy_curves
from lightning_snn.viz.features import preferred_features
from lightning_snn.viz.fields import node_layout, receptive_fields
from lightning_snn.viz.filters import filters
from lightning_snn.viz.results import accuracy_dots, confusion_matrix
from lightning_snn.viz.traces import traces

__all__ = [
    "accuracy_curves",
    "accuracy_dots",
    "confusion_matrix",
    "filters",
    "node_layout",
    "preferred_features",
    "raster",
    "receptive_fields",
    "traces",
    "wave_frames",
]
