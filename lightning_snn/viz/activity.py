"""Spikes over time: travelling waves on a sheet, and rasters."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from lightning_snn.core import checks
from lightning_snn.viz.panels import (
    INK,
    NODE_GREY,
    Array,
    ArrayLike,
    dot_area,
    matrix,
    not_empty,
    scatter,
)


def wave_frames(
    positions: ArrayLike,
    spikes: ArrayLike,
    *,
    dt: float = 1.0,
    num_frames: int = 8,
    interval: float = 3.0,
    memory: float = 6.0,
) -> Figure:
    """A travelling wave, frame by frame around the time of strongest activity.

    Nodes are grey; those that fired during the last ``memory`` ms are coloured by how long ago.

    Args:
        positions: Node positions ``[N, 2]``.
        spikes: ``[T, N]`` of one sample, in {0, 1}.
        dt: Step in ms.
        num_frames: How many frames; fewer where there are fewer steps.
        interval: Time between frames in ms; less where the recording is too short for it.
        memory: How long a spike stays visible, in ms.

    Returns:
        A figure with one panel a frame, titled with its time.

    Raises:
        ValueError: if the shapes do not fit or an option is not positive.
    """
    for name, value in (("dt", dt), ("num_frames", num_frames), ("interval", interval), ("memory", memory)):
        checks.positive(name, value)
    place = matrix("positions", positions, "N", 2)
    fired = matrix("spikes", spikes, "T", len(place)) > 0
    kept = max(1, round(memory / dt))
    steps = _frame_steps(fired.sum(axis=1), max(1, round(interval / dt)), kept, num_frames)
    columns = min(4, len(steps))
    rows = -(-len(steps) // columns)
    inches = 2.2
    figure = Figure(figsize=(inches * columns + 0.6, (inches + 0.2) * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    area = dot_area(len(place), inches)
    for axes, step in zip(panels, steps, strict=False):
        age = _steps_since_spike(fired, step)
        recent = age < kept
        scatter(axes, place, s=area, color=NODE_GREY)
        dots = axes.scatter(
            place[recent, 0],
            place[recent, 1],
            c=age[recent] * dt,
            s=1.6 * area,
            vmin=0,
            vmax=kept * dt,
            cmap="plasma",
            linewidths=0,
        )
        axes.set(xticks=[], yticks=[])
        axes.set_title(f"{step * dt:g} ms", fontsize="medium")
    figure.colorbar(dots, ax=panels, label="time since the spike (ms)", shrink=0.8)
    for unused in panels[len(steps) :]:
        unused.set_axis_off()
    return figure


def raster(spikes: Mapping[str, ArrayLike], *, dt: float = 1.0) -> Figure:
    """Spikes of every neuron over time, one panel a layer on a shared time axis.

    Args:
        spikes: ``[T, N]`` of one sample by layer name, in {0, 1}; the same T for all.
        dt: Step in ms.

    Returns:
        A figure with one panel a layer, titled with its name, size and mean rate.

    Raises:
        ValueError: if there is no layer, the shapes do not fit or ``dt`` is not positive.

    >>> figure = raster({"retina": np.eye(10)}, dt=1.0)
    >>> figure.axes[0].get_title(loc="left")
    'retina: 10 neurons, 100.0 Hz'
    """
    checks.positive("dt", dt)
    not_empty("spikes", spikes)
    figure = Figure(figsize=(8.0, 2.4 * len(spikes) + 0.4), layout="constrained")
    num_steps = len(next(iter(spikes.values())))
    panels = figure.subplots(len(spikes), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, value) in zip(panels, spikes.items(), strict=True):
        fired = matrix(f"spikes[{name!r}]", value, num_steps, "N") > 0
        num_neurons = fired.shape[1]
        step, neuron = fired.nonzero()
        axes.scatter(step * dt, neuron, s=_raster_dot(num_neurons), color=INK, linewidths=0, rasterized=True)
        axes.set(xlim=(-dt / 2, (num_steps - 0.5) * dt), ylim=(-0.5, num_neurons - 0.5), ylabel="neuron")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
        rate = fired.mean() * 1000 / dt
        axes.set_title(f"{name}: {num_neurons} neurons, {rate:.1f} Hz", loc="left", fontsize="medium")
    panels[-1].set_xlabel("time (ms)")
    figure.align_ylabels(panels)
    return figure


def _raster_dot(num_neurons: int) -> float:
    """Marker area in square points: a row's height in a panel of two inches, but never too small to see."""
    return float(np.clip((144 / num_neurons) ** 2, 1.5, 20.0))


def _frame_steps(activity: Array, stride: int, width: int, num_frames: int) -> list[int]:
    """Steps ``stride`` apart, centred on the busiest ``width`` steps and inside the recording."""
    num_frames = min(num_frames, len(activity))
    stride = max(1, min(stride, (len(activity) - 1) // max(1, num_frames - 1)))
    peak = int(np.convolve(activity, np.ones(width), mode="full")[: len(activity)].argmax())
    span = stride * (num_frames - 1)
    first = min(max(peak - span // 2, 0), len(activity) - 1 - span)
    return list(range(first, first + span + 1, stride))


def _steps_since_spike(fired: Array, step: int) -> Array:
    """Steps ``[N]`` from each node's last spike to ``step``; infinite where it has not fired."""
    past = fired[step::-1]
    return np.where(past.any(axis=0), past.argmax(axis=0), np.inf)
