"""Variables of single neurons over time."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from lightning_snn.core import checks
from lightning_snn.viz.panels import Array, ArrayLike, matrix, not_empty


def traces(
    values: Mapping[str, ArrayLike], *, times: Mapping[str, ArrayLike] | None = None, most: int = 5
) -> Figure:
    """Variables over time, one panel each, a line a neuron.

    Args:
        values: ``[T, n]`` of one sample by what they are, such as ``lgn v``.
        times: Their times ``[T]`` in ms, likewise; by default steps of 1 ms.
        most: Neurons that are drawn, evenly chosen where there are more.

    Returns:
        A figure with one panel a variable on a shared time axis.

    Raises:
        ValueError: if there is no variable, the shapes do not fit or ``most`` is not positive.

    >>> figure = traces({"lgn v": np.zeros((10, 3))})
    >>> len(figure.axes[0].lines)
    3
    """
    checks.count("most", most)
    not_empty("values", values)
    figure = Figure(figsize=(8.0, 1.7 * len(values) + 0.5), layout="constrained")
    panels = figure.subplots(len(values), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, value) in zip(panels, values.items(), strict=True):
        table = matrix(f"values[{name!r}]", value, "T", "n")
        axes.plot(_times(name, times, len(table)), table[:, _chosen(table.shape[1], most)], linewidth=0.9)
        axes.set_title(name, loc="left", fontsize="medium")
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("time (ms)")
    figure.align_ylabels(panels)
    return figure


def _times(name: str, times: Mapping[str, ArrayLike] | None, steps: int) -> Array:
    if times is None:
        return np.arange(float(steps))
    return matrix(f"times[{name!r}]", np.asarray(times[name])[:, None], steps, 1)[:, 0]


def _chosen(number: int, most: int) -> Array:
    """At most ``most`` of ``number`` neurons, evenly chosen."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).astype(int))
