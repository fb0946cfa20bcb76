"""What was recorded as arrays of a file, and figures of these."""

from collections.abc import Callable
from functools import partial
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from lightning_snn import viz
from lightning_snn.network import Recorded

Arrays = dict[str, NDArray[Any]]
"""By ``<layer>/<variable>`` ``[T', samples, n]``, and ``.../times`` and ``.../neurons`` of these."""

MOST_PANELS = 8


def arrays_of(recorded: Recorded, samples: int) -> Arrays:
    """Arrays of the first samples of what was recorded."""
    found: Arrays = {}
    for name, values in recorded.tensors.items():
        for variable, tensor in values.items():
            found[f"{name}/{variable}"] = tensor[:, :samples].cpu().numpy()
            found[f"{name}/{variable}/times"] = recorded.times[name][variable].numpy()
            found[f"{name}/{variable}/neurons"] = recorded.neurons[name][variable].numpy()
    return found


def drawings(arrays: Arrays) -> dict[str, Callable[[], Figure]]:
    """How to draw the first sample: a ``raster`` of spikes, ``traces`` of what else was recorded."""
    recorded = [name for name in arrays if f"{name}/times" in arrays]
    spikes = [name for name in recorded if name.endswith("/spikes")]
    spikes = [name for name in spikes if len(arrays[name]) == len(arrays[spikes[0]])]
    others = [name for name in recorded if not name.endswith("/spikes")][:MOST_PANELS]
    found: dict[str, Callable[[], Figure]] = {}
    if spikes:
        times = arrays[f"{spikes[0]}/times"]
        dt = float(times[1] - times[0]) if len(times) > 1 else 1.0
        rows = {name.removesuffix("/spikes"): arrays[name][:, 0] for name in spikes}
        found["raster"] = partial(viz.raster, rows, dt=dt)
    if others:
        found["traces"] = partial(
            viz.traces,
            {name: arrays[name][:, 0] for name in others},
            times={name: arrays[f"{name}/times"] for name in others},
        )
    return found
