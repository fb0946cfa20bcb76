"""How well a classifier does."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from lightning_snn.core import checks
from lightning_snn.viz.panels import INK, ArrayLike, matrix, not_empty

MOST_CLASSES_WITH_COUNTS = 20


def confusion_matrix(counts: ArrayLike, class_names: Sequence[str] | None = None) -> Figure:
    """Confusion matrix: colours show shares of the true class, cells show counts.

    Args:
        counts: ``[C, C]``, true classes in rows, predicted ones in columns.
        class_names: Names of the C classes; their numbers by default.

    Returns:
        A figure titled with the accuracy; above 20 classes without counts in the cells.

    Raises:
        ValueError: if ``counts`` is not square or negative, or the number of names is not C.

    >>> confusion_matrix(np.array([[3, 1], [0, 4]])).axes[0].get_title()
    'accuracy 87.5 %'
    """
    count = matrix("counts", counts, "C", "C")
    count = matrix("counts", counts, len(count), len(count))
    names = [str(index) for index in range(len(count))] if class_names is None else list(class_names)
    if len(names) != len(count):
        raise ValueError(f"class_names must hold {len(count)} names as counts has classes, got {len(names)}")
    checks.non_negative("counts", count.min())
    share = count / count.sum(axis=1, keepdims=True).clip(min=1)
    inches = float(np.clip(0.5 * len(count), 3.0, 9.0))
    figure = Figure(figsize=(inches + 1.6, inches + 0.9), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(share, vmin=0, vmax=1, cmap="Blues")
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    ticks = range(len(count))
    axes.set_xticks(ticks, names, rotation=45 if max(map(len, names)) > 2 else 0)
    axes.set_yticks(ticks, names)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_title(f"accuracy {100 * count.trace() / max(count.sum(), 1):.1f} %")
    if len(count) <= MOST_CLASSES_WITH_COUNTS:
        for (row, column), value in np.ndenumerate(count):
            ink = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=ink, fontsize="small")
    return figure


def accuracy_dots(results: Mapping[str, Sequence[float]]) -> Figure:
    """One dot a run in a line a network, the first on top, with a stroke at the mean.

    Args:
        results: Accuracies in [0, 1] of the runs by the name of the network.

    Returns:
        A figure whose axis spans the accuracies, labelled with mean and standard deviation in percent.

    Raises:
        ValueError: if there is no network, one has no run, or an accuracy does not lie between 0 and 1.

    >>> figure = accuracy_dots({"waves": [0.94, 0.92], "random": [0.91]})
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['93.00 ± 1.41 %', '91.00 %']
    """
    not_empty("results", results)
    figure = Figure(figsize=(6.4, 0.55 * len(results) + 0.9), layout="constrained")
    axes = figure.subplots()
    for row, (name, values) in enumerate(results.items()):
        if not values:
            raise ValueError(f"results[{name!r}] must hold at least one accuracy, got none")
        for value in values:
            checks.between(f"results[{name!r}]", value, 0, 1)
        percent = 100 * np.asarray(values)
        axes.plot(percent, np.full(len(percent), row), "o", color=INK, alpha=0.5, markersize=7)
        axes.plot([percent.mean()], [row], "|", color=INK, markersize=22, markeredgewidth=2)
        spread = f" ± {percent.std(ddof=1):.2f}" if len(percent) > 1 else ""
        axes.annotate(
            f"{percent.mean():.2f}{spread} %", (1.02, row), xycoords=("axes fraction", "data"), va="center"
        )
    axes.set_yticks(range(len(results)), list(results))
    axes.set(ylim=(len(results) - 0.5, -0.5), xlabel="accuracy (%)")
    axes.margins(x=0.08)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
