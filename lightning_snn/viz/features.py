"""What the units of columns prefer: learned features, drawn where their field lies on the sheet."""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_snn.core import checks
from lightning_snn.viz.panels import NODE_GREY, Array, ArrayLike, dot_area, matrix, scatter

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7b3294", "#555555")
"""One a field, told apart by most eyes (Okabe and Ito, and darker ones)."""

_INCHES = 0.78

REACHED = 0.9
"""Share of the nodes of the widest field that its panels show."""


def preferred_features(
    weight: ArrayLike,
    nodes: ArrayLike,
    positions: ArrayLike,
    *,
    num_fields: int = 6,
    num_units: int = 12,
    period: float | None = None,
) -> Figure:
    """The weights of the units of some fields, drawn at the places of their nodes; and where these lie.

    The fields are spread over the sheet. All panels have the same scale of length, with the middle of the
    field in the centre; a few nodes that lie far from it are left out. Each unit has its own colour scale,
    from 0 or its least weight to its largest, so that shapes are seen and not how strong a unit is.

    Args:
        weight: Weights ``[P, K, F]``.
        nodes: Numbers of the nodes of each field ``[P, F]``; N where a field has ended.
        positions: Positions of the nodes ``[N, 2]``.
        num_fields: Fields to show, a row each; all where there are fewer.
        num_units: Units of a field to show, the first ones; all where there are fewer.
        period: Side of the square after which space repeats, if it does.

    Returns:
        A figure with the sheet on the left, in which these fields are coloured, and a panel a unit.

    Raises:
        ValueError: if shapes do not fit, a number names no node, or one of the numbers is not positive.

    >>> figure = preferred_features(torch.rand(9, 4, 20), torch.randint(100, (9, 20)), torch.rand(100, 2))
    >>> len(figure.axes)
    25
    """
    checks.count("num_fields", num_fields)
    checks.count("num_units", num_units)
    place = matrix("positions", positions, "N", 2)
    seen = matrix("nodes", nodes, "P", "F").astype(int)
    values = torch.as_tensor(weight).detach().to("cpu", torch.float64).numpy()
    if values.ndim != 3 or 0 in values.shape or values[:, 0].shape != seen.shape:
        raise ValueError(
            f"weight must be [{seen.shape[0]}, K, {seen.shape[1]}] as nodes are, got {list(values.shape)}"
        )
    if seen.min() < 0 or seen.max() > len(place):
        raise ValueError(f"nodes must be 0 to {len(place)}, got {seen.min()} to {seen.max()}")
    fields = [_together(place[row[row < len(place)]], period) for row in seen]
    centres = np.stack([np.median(field, axis=0) for field in fields])
    shown = _spread(centres, num_fields)
    reach = max(np.quantile(np.abs(fields[k] - centres[k]).max(axis=1), REACHED) for k in shown) * 1.05
    columns = min(num_units, values.shape[1])
    sheet_inches = max(2.6, _INCHES * len(shown))
    figure = Figure(
        figsize=(sheet_inches + _INCHES * columns + 0.5, sheet_inches + 0.35), layout="constrained"
    )
    left, right = figure.subfigures(1, 2, width_ratios=[sheet_inches, _INCHES * columns], squeeze=False)[0]
    _draw_sheet(
        left.subplots(), place, {k: _inside(fields[k], period) for k in shown}, _inside(centres, period)
    )
    panels = right.subplots(len(shown), columns, squeeze=False, gridspec_kw={"wspace": 0.05, "hspace": 0.05})
    for number, (row, k) in enumerate(zip(panels, shown, strict=True)):
        exists = seen[k] < len(place)
        for axes, unit in zip(row, values[k], strict=False):
            _draw_unit(axes, fields[k] - centres[k], unit[exists], reach, _COLOURS[number % len(_COLOURS)])
        row[0].set_ylabel(f"{number + 1}", rotation=0, ha="right", va="center", fontweight="bold")
    right.suptitle(
        f"{columns} of {values.shape[1]} units in each field: weights, the strongest dark", fontsize="medium"
    )
    return figure


def _draw_sheet(axes: Axes, place: Array, fields: dict[int, Array], centres: Array) -> None:
    """Where fields lie: the nodes of some in colours, with the number of their row; the middle of each."""
    area = dot_area(len(place), 2.6)
    scatter(axes, place, s=area, color=NODE_GREY)
    axes.plot(*centres.T, "+", color="0.35", markersize=4, markeredgewidth=0.8)
    for number, (k, field) in enumerate(fields.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        axes.scatter(field[:, 0], field[:, 1], s=1.5 * area, color=colour, alpha=0.6, linewidths=0)
        badge = {"boxstyle": "circle,pad=0.2", "fc": colour, "ec": "white"}
        axes.annotate(
            f"{number + 1}", tuple(centres[k]), ha="center", va="center", color="white", fontweight="bold",
            bbox=badge,
        )  # fmt: skip
    axes.set(xlabel="x (length)", ylabel="y (length)")
    axes.set_title(f"{len(fields)} of {len(centres)} fields (+: the middle of each)", fontsize="medium")


def _draw_unit(axes: Axes, place: Array, weight: Array, reach: float, colour: str) -> None:
    """One unit's weights, in a square of twice ``reach`` around the middle of its field."""
    area = dot_area(int((np.abs(place).max(axis=1) <= reach).sum()), _INCHES, share=1.0)
    order = weight.argsort()  # the strongest on top
    low, high = min(0.0, weight.min()), weight.max() or 1.0
    scatter(axes, place[order], c=weight[order], s=area, vmin=low, vmax=high, cmap="magma_r")
    axes.set(xticks=[], yticks=[], xlim=(-reach, reach), ylim=(reach, -reach))
    axes.spines[:].set(color=colour, linewidth=1.2)


def _together(place: Array, period: float | None) -> Array:
    """A field in one piece: where space repeats, around the middle of its nodes on the circle."""
    if period is None:
        return place
    middle = np.angle(np.exp(2j * np.pi * place / period).mean(axis=0)) / (2 * np.pi) * period
    together: Array = middle + (place - middle + period / 2) % period - period / 2
    return together


def _inside(place: Array, period: float | None) -> Array:
    """Positions on the sheet again."""
    return place if period is None else np.mod(place, period)


def _spread(centres: Array, count: int) -> list[int]:
    """The fields nearest to the points of a grid over all of them, row by row, none twice."""
    count = min(count, len(centres))
    rows = max(1, round(count**0.5))
    low, high = centres.min(axis=0), centres.max(axis=0)
    chosen: list[int] = []
    for row, part in enumerate(np.array_split(np.arange(count), rows)):
        for column in range(len(part)):
            share = np.array([(column + 0.5) / len(part), (row + 0.5) / rows])
            distance = np.linalg.norm(centres - (low + share * (high - low)), axis=1)
            distance[chosen] = np.inf
            chosen.append(int(distance.argmin()))
    return chosen
