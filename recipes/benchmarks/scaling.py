"""How time grows with the number of steps, samples and neurons: a plot."""

import statistics
from pathlib import Path

from matplotlib.figure import Figure
from measure import Worker

SWEEPS = {
    "T": [(steps, 64, 1024) for steps in (8, 32, 128)],
    "B": [(32, batch, 1024) for batch in (8, 32, 128)],
    "N": [(32, 64, nodes) for nodes in (128, 512, 2048)],
}


def plot(path: Path, repeats: int) -> None:
    """Write the plot to ``path``; SpikingJelly's curves only where it is installed."""
    figure = Figure(figsize=(14, 3), layout="constrained")
    axes = figure.subplots(1, 4)
    for place, (axis, (letter, sizes)) in enumerate(zip(axes, SWEEPS.items(), strict=False)):
        values = [size[place] for size in sizes]
        for name, function in (("lightning_snn", "ours"), ("SpikingJelly", "spikingjelly")):
            try:
                times = [_median("lif", function, *size, repeats=repeats) for size in sizes]
            except ImportError:
                continue
            axis.loglog(values, [1e3 * value for value in times], "o-", label=name)
        axis.set(xlabel=letter, ylabel="ms, forward + backward", title=f"LIF, time by {letter}")
        axis.legend()
    nodes, steps = (500, 1500, 4000, 16_000, 64_000), 100
    sides = [28.0 * (number / 1500) ** 0.5 for number in nodes]
    times = [
        _median("sheet", "work", number, side, 1, steps, repeats=repeats)
        for number, side in zip(nodes, sides, strict=True)
    ]
    axes[3].loglog(nodes, [1e6 * value / steps for value in times], "o-")
    axes[3].set(xlabel="nodes", ylabel="us a step", title="Izhikevich sheet, one stream")
    figure.savefig(path)


def _median(module: str, function: str, *arguments: float, repeats: int) -> float:
    worker = Worker(module, function, *arguments)
    found = [worker.run()["seconds"] for _ in range(repeats + 2)][2:]
    worker.close()
    return statistics.median(found)
