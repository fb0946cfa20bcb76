"""The recipe mnist_finetuned beside the same network from other first weights: accuracy on the test digits.

python recipes/finetuning.py --data.root DIR [--seeds 3] [--labels 100,1000,55000] [options of the command]

The rate at which the convolution learns is chosen for each network and number of labels by the accuracy on
the validation digits with seed 100, among as many rates. Beside each stands a readout alone, trained for
as many epochs. Where all digits have labels, three epochs at the rate chosen for the number before.
"""

import csv
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import lightning_snn

lightning_snn.tune_process()  # before torch is imported

from lightning_snn.cli.arguments import take_count
from lightning_snn.cli.scripted import networks_of, run_recipe
from lightning_snn.experiment.student import interval

OWN = "self-organised"

STARTS: dict[str, tuple[dict[str, Any] | None, tuple[float, ...]]] = {
    OWN: (None, (0.003, 0.02)),
    "random": (None, (0.003, 0.01)),
    "fluctuation-driven": (
        {"class_path": "FluctuationDriven", "init_args": {"duration": 8.0}}, (0.003, 0.01),
    ),
}  # fmt: skip
"""What gives the first weights, and rates that are tried."""

EPOCHS = {100: (150, 300), 1000: (10, 30)}
"""Epochs of the readout alone, and of all, by the number of labels."""

ALL = (0, 3)
"""The same where all digits have labels, or any other number."""


def options_of(start: str, labels: int, rate: float | None, file: Path) -> list[str]:
    """What the command is given beside the recipe; what is no option is written to ``file``."""
    first, epochs = EPOCHS.get(labels, ALL)
    readout: dict[str, Any] = {"train": ["readout"], "lr": 0.002, "schedule": "cosine"}
    lr = {"features": rate, "readout": 0.002}
    both = {"all": {"train": ["features", "readout"], "lr": lr, "schedule": "cosine"}}
    phases = {"readout": readout | {"epochs": None}} if rate is None else both
    if first and rate is not None:
        phases = {"readout": readout | {"epochs": first}} | both
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


def run(
    start: str, labels: int, rate: float | None, seed: int, options: list[str], *, test: bool = True
) -> float:
    """Accuracy in per cent on the test digits, or on those to validate on; without a rate a readout alone."""
    with tempfile.TemporaryDirectory() as folder:
        given = options_of(start, labels, rate, Path(folder, "start.yaml"))
        more = [] if test else ["--trainer.limit_test_batches=0"]
        done = run_recipe("mnist_finetuned", *given, f"--seed={seed}", *options, *more)
    if test:
        reached: float = 100 * networks_of(done)["network"]["accuracy"]
        print(f"{start}, {labels} labels, rate {rate}, seed {seed}: {reached:.2f}", flush=True)
        return reached
    with (done / "metrics.csv").open(encoding="utf-8") as file_:
        found = [row["val/accuracy"] for row in csv.DictReader(file_) if row.get("val/accuracy")]
    return 100 * float(found[-1])


class Scores(NamedTuple):
    """Accuracies of all seeds in per cent, with the rate that was chosen."""

    rate: float
    tuned: list[float]
    alone: list[float]


def chosen(start: str, labels: int, rates: Sequence[float], options: list[str]) -> float:
    """The rate that is best on the validation digits."""
    if len(rates) == 1:
        return rates[0]
    tried = {rate: run(start, labels, rate, 100, options, test=False) for rate in rates}
    print(f"{start}, {labels} labels:", ", ".join(f"{rate:g} {found:.1f}" for rate, found in tried.items()))
    return max(tried, key=lambda rate: tried[rate])


def scores(start: str, labels: int, rates: Sequence[float], seeds: int, options: list[str]) -> Scores:
    """Choose a rate, and test with it."""
    best = chosen(start, labels, rates, options)
    tuned = [run(start, labels, best, seed, options) for seed in range(seeds)]
    beside = range(seeds) if labels in EPOCHS else ()
    return Scores(best, tuned, [run(start, labels, None, seed, options) for seed in beside])


def row(start: str, labels: int, found: Scores, own: Scores) -> str:
    """A line of the table."""
    ahead = [a - b for a, b in zip(own.tuned, found.tuned, strict=True)]
    mean, error = interval(ahead)
    gain = "-" if start == OWN else f"{mean:+.1f}" + ("" if error is None else f" ± {error:.1f}")
    alone, tuned = (spread(values) for values in (found.alone, found.tuned))
    return f"| {labels} | {start} | {alone} | {found.rate:g} | {tuned} | {gain} |"


def spread(values: list[float]) -> str:
    """Mean and standard deviation."""
    if not values:
        return "-"
    return f"{statistics.fmean(values):.1f} ± {statistics.stdev(values) if len(values) > 1 else 0.0:.1f}"


if __name__ == "__main__":
    seeds, more = take_count(sys.argv[1:], "--seeds", default=3, least=1)
    counts = [100, 1000]
    if "--labels" in more:
        place = more.index("--labels")
        counts = [int(count) for count in more[place + 1].split(",")]
        del more[place : place + 2]
    lines = [
        "| labels | first weights | readout alone | rate | fine-tuned | self-organised is ahead by |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    best: dict[str, float] = {}
    for count in counts:
        own = None
        for start, (_, rates) in STARTS.items():
            tried = rates if count in EPOCHS or start not in best else [best[start]]
            found = scores(start, count, tried, seeds, more)
            own, best[start] = own or found, found.rate
            lines.append(row(start, count, found, own))
            print("\n".join(lines), flush=True)
