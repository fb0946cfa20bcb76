"""How well a classifier does."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from lightning_snn import checks
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


def accuracy_bars(results: Mapping[str, float], *, errors: Mapping[str, float] | None = None) -> Figure:
    """One bar a result, the first on top.

    Args:
        results: Accuracies in [0, 1] by name.
        errors: Half lengths of error bars by name, such as standard deviations; by default none.

    Returns:
        A figure with horizontal bars, labelled in percent.

    Raises:
        ValueError: if there is no result or one does not lie between 0 and 1.

    >>> figure = accuracy_bars({"waves": 0.941, "random": 0.929})
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['94.1 %', '92.9 %']
    """
    not_empty("results", results)
    for name, value in results.items():
        checks.between(f"results[{name!r}]", value, 0, 1)
    figure = Figure(figsize=(6.4, 0.45 * len(results) + 0.9), layout="constrained")
    axes = figure.subplots()
    percent = [100 * value for value in results.values()]
    spread = None if errors is None else [100 * errors[name] for name in results]
    bars = axes.barh(list(results), percent, xerr=spread, color=INK, ecolor="grey", height=0.65)
    axes.bar_label(bars, fmt="{:.1f} %", padding=4)
    axes.set(xlim=(0, 112), xticks=range(0, 101, 20), xlabel="accuracy (%)")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    return figure
