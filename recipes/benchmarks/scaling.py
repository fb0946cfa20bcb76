"""How time grows with the number of steps, samples and neurons: a plot."""

import statistics
import time
from pathlib import Path

import lif
from matplotlib.figure import Figure
from sheet import Sheet

SWEEPS = {
    "T": [(steps, 64, 1024) for steps in (8, 32, 128)],
    "B": [(32, batch, 1024) for batch in (8, 32, 128)],
    "N": [(32, 64, nodes) for nodes in (128, 512, 2048)],
}


def plot(path: Path, repeats: int) -> None:
    """Write the plot to ``path``; SpikingJelly's curves only where it is installed."""
    figure = Figure(figsize=(12, 3), layout="constrained")
    axes = figure.subplots(1, 4)
    for place, (axis, (letter, sizes)) in enumerate(zip(axes, SWEEPS.items(), strict=False)):
        values = [size[place] for size in sizes]
        for name, make in (("lightning_snn", lif.ours), ("SpikingJelly", lif.spikingjelly)):
            try:
                times = [_median(make(*size), repeats) for size in sizes]
            except ImportError:
                continue
            axis.loglog(values, [1e3 * value for value in times], "o-", label=name)
        axis.set(xlabel=letter, ylabel="ms, forward + backward", title=f"LIF, time by {letter}")
        axis.legend()
    nodes = (500, 1500, 4000, 16_000)
    times = [statistics.median(_sheet_times(number, repeats)) for number in nodes]
    axes[3].loglog(nodes, [1e6 * value for value in times], "o-")
    axes[3].set(xlabel="nodes", ylabel="us a step", title="Izhikevich sheet, one stream")
    figure.savefig(path)


def _sheet_times(num_nodes: int, repeats: int) -> list[float]:
    sheet = Sheet(num_nodes, 28.0 * (num_nodes / 1500) ** 0.5)
    return [sheet.run(200) for _ in range(repeats + 1)][1:]


def _median(work: lif.Work, repeats: int) -> float:
    found = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found[1:])
