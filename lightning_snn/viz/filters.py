"""What the filters of a convolution look like."""

import numpy as np
import torch
from matplotlib.figure import Figure

from lightning_snn.core import checks
from lightning_snn.viz.panels import ArrayLike


def filters(weight: ArrayLike, *, num_filters: int = 48) -> Figure:
    """Filters side by side: of two channels (on and off) their difference, of others the mean.

    All share one colour scale, with white at 0 where some are below.

    Args:
        weight: Weights ``[K, C, k, k]``.
        num_filters: How many to show, the first ones; all where there are fewer.

    Returns:
        A figure with a panel a filter and a colour bar.

    Raises:
        ValueError: if ``weight`` has another rank or is empty, or ``num_filters`` is not positive.

    >>> len(filters(torch.rand(5, 2, 3, 3)).axes)
    6
    """
    checks.count("num_filters", num_filters)
    values = torch.as_tensor(weight).detach().to("cpu", torch.float64).numpy()
    if values.ndim != 4 or 0 in values.shape:
        raise ValueError(f"weight must be [K, C, k, k] with no empty dimension, got {list(values.shape)}")
    contrast = values.shape[1] == 2
    shown = (values[:, 0] - values[:, 1] if contrast else values.mean(1))[:num_filters]
    columns = min(8, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(0.9 * columns + 1.4, 0.95 * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    largest = float(np.abs(shown).max()) or 1.0
    signed = contrast or float(shown.min()) < 0
    lowest = -largest if signed else float(shown.min())
    colours = "RdBu_r" if signed else "magma_r"
    for axes in panels.ravel():
        axes.set_axis_off()
    for axes, image in zip(panels.ravel(), shown, strict=False):
        drawn = axes.imshow(image, vmin=lowest, vmax=largest, cmap=colours)
    title = "weight, on minus off" if contrast else "weight, mean of the channels"
    figure.colorbar(drawn, ax=panels.ravel().tolist(), label=title, shrink=0.8)
    return figure
