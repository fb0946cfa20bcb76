"""How accuracy changes with what a network is given."""

from collections.abc import Mapping
from itertools import cycle

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from lightning_snn.core import checks
from lightning_snn.viz.panels import INK, not_empty

_COLOURS = ("#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8c8c8c", "#a6761d")
"""Those of Okabe and Ito (2008) that stand out from the first line's, then two more."""

_MARKERS = "s^vDPX*"


def accuracy_curves(
    results: Mapping[str, Mapping[float, float]], *, xlabel: str, log: bool = False, title: str = ""
) -> Figure:
    """A line a network, the first one thick and on top of the others.

    Args:
        results: By the name of the network, accuracies in [0, 1] by what is on the axis.
        xlabel: What that is.
        log: Whether the axis is logarithmic, with a tick at each point.
        title: Title.

    Raises:
        ValueError: if there is no network, one has no point, an accuracy does not lie between 0 and 1, or a
            logarithmic axis would have to show what is not above 0.

    >>> figure = accuracy_curves({"waves": {0: 0.9, 2: 0.8}, "random": {0: 0.9, 2: 0.5}}, xlabel="shift")
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['waves', 'random']
    """
    not_empty("results", results)
    figure = Figure(figsize=(6.8, 4.0), layout="constrained")
    axes = figure.subplots()
    styles = zip(cycle(_COLOURS), cycle(_MARKERS), strict=False)
    for number, (name, points) in enumerate(results.items()):
        not_empty(f"results[{name!r}]", points)
        for x, value in points.items():
            checks.between(f"results[{name!r}]", value, 0, 1)
            if log:
                checks.positive(f"results[{name!r}]", x)
        xs = sorted(points)
        ys = [100 * points[x] for x in xs]
        if number == 0:
            axes.plot(xs, ys, "o-", color=INK, linewidth=2.6, markersize=7, zorder=3, label=name)
        else:
            colour, marker = next(styles)
            axes.plot(xs, ys, marker + "-", color=colour, linewidth=1.3, markersize=5, label=name)
    ticks = sorted({x for points in results.values() for x in points})
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(ticks, [f"{x:,g}" for x in ticks])
    axes.set(xlabel=xlabel, ylabel="accuracy (%)", title=title)
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right center", frameon=False)
    return figure
