"""Memory of a training step against the steps of a sequence: all at once, in pieces, and learned online."""

import argparse
import ctypes
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from measure import Worker

WAYS: dict[str, dict[str, Any]] = {
    "at once": {},
    "checkpoint_steps: 50": {"checkpoint_steps": 50},
    "truncate_steps: 50": {"truncate_steps": 50},
    "EProp": {"learning": "EProp"},
    "OTTT": {"learning": "OTTT"},
}
STEPS = (100, 200, 400, 800, 1600, 3200)
BATCH, INPUTS, NODES, CLASSES = 32, 50, 256, 20
WARM = 120
"""Steps of a first training step, which compiles; that and torch's own memory do not count."""


def work(way: str, steps: int) -> Callable[[], Any]:
    """A training step of a recurrent network on spike trains of so many steps, but for the optimizer."""
    import torch
    from torch.nn import functional

    import lightning_snn as snn

    options = dict(WAYS[way])
    if "learning" in options:
        options["learning"] = getattr(snn, options["learning"])()
    dense = partial(snn.Dense, trainable=True)
    layers = {
        "events": snn.SpikingLayer(snn.Square(INPUTS, side=7.0), snn.Relay()),
        "hidden": snn.SpikingLayer(
            snn.Square(NODES, side=16.0),
            snn.LIF(10.0),
            projection=partial(dense, gain=30.0),
            lateral=partial(dense, gain=2.0),
        ),
    }
    model = snn.SpikingClassifier(
        layers, snn.Frames(), snn.Linear, num_classes=CLASSES, image_size=(1, INPUTS), seed=0, **options
    )
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(CLASSES, (BATCH,), generator=generator)

    def events(steps: int) -> Any:
        return (torch.rand(BATCH, steps, INPUTS, generator=generator) < 0.05).float()

    def step(given: Any) -> Any:
        model.zero_grad()
        if model.learner is None:
            output = model.readout(model.present(given).features["network"])
        else:
            _, output = model.learner(given, model._reading)
        functional.cross_entropy(output, labels).backward()
        return model.network.connection("hidden").weighted().weight.grad.abs()

    given = events(steps)
    step(events(WARM))
    ctypes.CDLL(None).malloc_trim(0)  # gives back what that step took, so that it is counted in the next
    return partial(step, given)


def table(found: dict[str, dict[int, dict[str, float]]], steps: tuple[int, ...]) -> str:
    """MB on top of what the process takes before, and the time of a step, as Markdown."""
    head = ["T", *(f"{way}, MB" for way in found), *(f"{way}, s" for way in found)]
    lines = [head, ["---"] * len(head)]
    for count in steps:
        runs = [found[way][count] for way in found]
        lines.append(
            [str(count), *(f"{run['peak']:.0f}" for run in runs), *(f"{run['seconds']:.2f}" for run in runs)]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plot(path: Path, found: dict[str, dict[int, dict[str, float]]], steps: tuple[int, ...]) -> None:
    """Memory and time against T."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    memory, taken = figure.subplots(1, 2)
    for (way, runs), mark in zip(found.items(), "os^vD", strict=False):
        memory.loglog(steps, [runs[count]["peak"] for count in steps], f"{mark}-", label=way)
        taken.loglog(steps, [runs[count]["seconds"] for count in steps], f"{mark}-", label=way)
    input_mb = [4e-6 * BATCH * INPUTS * count for count in steps]
    memory.loglog(steps, input_mb, "k:", label="the input")
    memory.set(xlabel="steps T", ylabel="MB", title="peak memory of a training step")
    taken.set(xlabel="steps T", ylabel="s", title="its time")
    memory.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure, print the table, write it and the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="+", default=STEPS)
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--folder", type=Path, default=Path("runs/benchmarks"))
    options = parser.parse_args()
    found: dict[str, dict[int, dict[str, float]]] = {}
    for way in options.only:
        for count in options.steps:
            worker = Worker("memory", "work", way, count)
            try:
                found.setdefault(way, {})[count] = worker.run()
            finally:
                worker.close()
    steps = tuple(options.steps)
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "memory.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    plot(options.folder / "memory.png", found, steps)
    print(table(found, steps))


if __name__ == "__main__":
    main()
