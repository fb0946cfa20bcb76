"""Where nodes sit and which of them a unit listens to."""

from collections.abc import Mapping

import torch
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from lightning_snn.core import checks
from lightning_snn.viz.panels import INK, Array, ArrayLike, dot_area, matrix, not_empty, scatter


def node_layout(positions: Mapping[str, ArrayLike]) -> Figure:
    """Where the nodes of each layer sit: one panel a layer, y downwards as in images.

    Args:
        positions: Node positions ``[N, 2]`` by layer name, in units of length.

    Returns:
        A figure with one panel a layer.

    Raises:
        ValueError: if there is no layer or an entry is not ``[N, 2]``.

    >>> figure = node_layout({"retina": torch.rand(50, 2)})
    >>> figure.axes[0].get_title()
    'retina (50 nodes)'
    """
    not_empty("positions", positions)
    inches = 3.4
    figure = Figure(figsize=(inches * len(positions), inches + 0.3), layout="constrained")
    panels = figure.subplots(1, len(positions), squeeze=False)[0]
    for axes, (name, value) in zip(panels, positions.items(), strict=True):
        place = matrix(f"positions[{name!r}]", value, "N", 2)
        scatter(axes, place, s=dot_area(len(place), inches), color=INK)
        axes.set(title=f"{name} ({len(place)} nodes)", xlabel="x (length)", ylabel="y (length)")
    return figure


def receptive_fields(
    before: ArrayLike,
    after: ArrayLike,
    positions: ArrayLike,
    *,
    num_units: int = 12,
    seed: int = 0,
) -> Figure:
    """Incoming weights of some units, before and after wiring, drawn at the nodes they come from.

    Each block has its own colour scale, which all of its units share: from the least to the largest
    weight shown.

    Args:
        before: Weights ``[M, N]``.
        after: Weights ``[M, N]`` of the same units.
        positions: Positions ``[N, 2]`` of the presynaptic nodes.
        num_units: How many units to show; all of them where there are fewer.
        seed: Which units: the same seed shows the same ones.

    Returns:
        A figure with a block of panels before and one after, each with a colour bar.

    Raises:
        ValueError: if the shapes do not fit or ``num_units`` is not positive.
    """
    checks.positive("num_units", num_units)
    place = matrix("positions", positions, "N", 2)
    early = matrix("before", before, "M", len(place))
    late = matrix("after", after, len(early), len(place))
    order = torch.randperm(len(early), generator=torch.Generator().manual_seed(seed))
    units = order[:num_units].sort().values.tolist()
    columns = min(6, len(units))
    rows = -(-len(units) // columns)
    figure = Figure(figsize=(1.6 * columns + 1.2, 2 * 1.85 * rows), layout="constrained")
    panels = figure.subplots(2 * rows, columns, squeeze=False)
    for block, title, weight in ((panels[:rows], "before", early), (panels[rows:], "after", late)):
        dots = _draw_fields(block.ravel().tolist(), weight, place, units)
        block[0, 0].set_ylabel(title, fontsize="large", fontweight="bold")
        figure.colorbar(dots, ax=block.ravel().tolist(), label=f"weight {title}", shrink=0.9)
        for unused in block.ravel()[len(units) :]:
            unused.set_axis_off()
    return figure


def _draw_fields(panels: list[Axes], weight: Array, place: Array, units: list[int]) -> PathCollection:
    shown = weight[units]
    area = dot_area(len(place), inches=1.5, share=0.7)
    for axes, unit, values in zip(panels, units, shown, strict=False):
        dots = scatter(axes, place, c=values, s=area, vmin=shown.min(), vmax=shown.max(), cmap="magma_r")
        axes.set(xticks=[], yticks=[])
        axes.set_title(f"unit {unit}", fontsize="small")
    return dots
