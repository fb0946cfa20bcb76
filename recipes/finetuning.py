"""The recipe mnist_finetuned beside the same network from other first weights: accuracy on the test digits.

python recipes/finetuning.py --data.root DIR [--seeds 3] [--labels 100,1000,55000] [options of the command]

The rate at which the convolution learns is chosen for each network and number of labels by the accuracy on
the validation digits with seed 100, among as many rates; three epochs where all have labels.
"""

import csv
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import lightning_snn

lightning_snn.tune_process()  # before torch is imported

from lightning_snn.cli.arguments import take_count
from lightning_snn.cli.scripted import networks_of, run_recipe
from lightning_snn.experiment.student import interval

OWN = "self-organised"

STARTS: dict[str, tuple[dict[str, Any] | None, tuple[float, ...]]] = {
    OWN: (None, (0.03, 0.1, 0.3)),
    "first weights": (None, (0.003, 0.01, 0.03)),
    "Kaiming": ({"class_path": "Kaiming", "init_args": {"duration": 8.0}}, (0.003, 0.01, 0.03)),
    "fluctuation-driven": (
        {"class_path": "FluctuationDriven", "init_args": {"duration": 8.0}}, (0.003, 0.01, 0.03),
    ),
}  # fmt: skip
"""What gives the first weights, and rates that are tried: those of the rule are 19.6 to a threshold."""

EPOCHS = {100: (10, 60), 1000: (2, 20)}
"""Epochs of the readout alone, and of the whole network with them, by the number of labels."""

ALL = (0, 3)
"""The same where all digits have labels."""


def options_of(start: str, labels: int, rate: float, file: Path) -> list[str]:
    """What the command is given beside the recipe; what is no option is written to ``file``."""
    first, epochs = EPOCHS.get(labels, ALL)
    phases: dict[str, Any] = {
        "all": {
            "train": ["features", "readout"],
            "schedule": "cosine",
            "lr": {"features": rate, "readout": 0.002},
        }
    }
    if first:
        phases = {"readout": {"epochs": first, "train": ["readout"], "lr": 0.002}} | phases
    given = {name: {"class_path": "TrainingPhase", "init_args": each} for name, each in phases.items()}
    model: dict[str, Any] = {}
    if start != OWN:
        model["layers"] = {"features": {"projection": {"init_args": {"rule": None}}}}
        model["initialisation"] = STARTS[start][0]
    trainer = {"max_epochs": epochs, "check_val_every_n_epoch": epochs}
    file.write_text(
        json.dumps(
            {"model": {"init_args": model}, "data": {"init_args": {"labels": labels}}, "trainer": trainer}
        )
    )
    return ["--config", str(file), f"--model.phases={json.dumps(given)}"]


def run(start: str, labels: int, rate: float, seed: int, options: list[str], *, test: bool) -> float:
    """Accuracy in per cent on the test digits, or on those to validate on."""
    with tempfile.TemporaryDirectory() as folder:
        given = options_of(start, labels, rate, Path(folder, "start.yaml"))
        more = [] if test else ["--trainer.limit_test_batches=0"]
        done = run_recipe("mnist_finetuned", *given, f"--seed={seed}", *options, *more)
    if test:
        return 100 * networks_of(done)["network"]["accuracy"]
    with (done / "metrics.csv").open(encoding="utf-8") as file_:
        found = [row["val/accuracy"] for row in csv.DictReader(file_) if row.get("val/accuracy")]
    return 100 * float(found[-1])


def scores(start: str, labels: int, seeds: int, options: list[str]) -> tuple[float, list[float]]:
    """The chosen rate, and the accuracy of each seed with it."""
    rates = STARTS[start][1]
    tried = {rate: run(start, labels, rate, 100, options, test=False) for rate in rates}
    print(f"{start}, {labels} labels:", ", ".join(f"{rate:g} {found:.1f}" for rate, found in tried.items()))
    best = max(tried, key=lambda rate: tried[rate])
    return best, [run(start, labels, best, seed, options, test=True) for seed in range(seeds)]


def row(start: str, labels: int, rate: float, found: list[float], own: list[float]) -> str:
    """A line of the table."""
    ahead = [a - b for a, b in zip(own, found, strict=True)]
    mean, error = interval(ahead)
    gain = "-" if start == OWN else f"{mean:+.1f}" + ("" if error is None else f" ± {error:.1f}")
    spread = statistics.stdev(found) if len(found) > 1 else 0.0
    return f"| {labels} | {start} | {rate:g} | {statistics.fmean(found):.1f} ± {spread:.1f} | {gain} |"


if __name__ == "__main__":
    seeds, more = take_count(sys.argv[1:], "--seeds", default=3, least=1)
    counts = [100, 1000]
    if "--labels" in more:
        place = more.index("--labels")
        counts = [int(count) for count in more[place + 1].split(",")]
        del more[place : place + 2]
    lines = [
        "| labels | first weights | rate | test accuracy | self-organised is ahead by |",
        "| --- | --- | --- | --- | --- |",
    ]
    for count in counts:
        own: list[float] = []
        for start in STARTS:
            rate, found = scores(start, count, seeds, more)
            own = own or found
            lines.append(row(start, count, rate, found, own))
            print("\n".join(lines), flush=True)
