"""A recipe and its controls over several seeds: one table, stored as it grows, and its plot."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lightning_snn import viz
from lightning_snn.core.files import write_whole
from lightning_snn.experiment import paired
from lightning_snn.presentation.names import label

Networks = Mapping[str, Mapping[str, float]]
"""Scores of each network by name, as `run_experiment` returns them."""


def compare(run: Callable[[int], Networks], seeds: Sequence[int], folder: Path, *, title: str) -> None:
    """Run an experiment for every seed; print and store the accuracies of its networks.

    Where there are several tests: the means of each, and the network minus its controls, pair by pair.

    ``comparison.json`` is written after each run, so that an interrupted comparison keeps what it has.

    Args:
        run: A seed to the scores of the networks.
        seeds: The seeds.
        folder: Where to put ``comparison.json``, ``table.md`` and ``accuracy.png``.
        title: What is compared.

    Raises:
        ValueError: if the networks were not tested.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[int, dict[str, float]] = {}
    tests: dict[int, dict[str, dict[str, float]]] = {}
    for seed in seeds:
        networks = run(seed)
        if not networks:
            continue  # another process writes
        if not all("accuracy" in scores for scores in networks.values()):
            raise ValueError("compare needs test images: trainer.limit_test_batches must not be 0")
        found[seed] = {name: scores["accuracy"] for name, scores in networks.items()}
        tests[seed] = {name: paired.accuracies(scores) for name, scores in networks.items()}
        more = paired.as_json(tests) if paired.are_several(tests) else {}
        text = json.dumps({"title": title, "accuracy": found, **more}, indent=1)
        write_whole(folder / "comparison.json", f"{text}\n".encode())
    if not found:
        return
    parts = paired.tables(tests) if paired.are_several(tests) else {}
    printed = [paired.as_table(*part) for part in parts.items()] or [as_table(found, title=title)]
    console = Console()
    console.print(*printed, sep="\n")
    stored = [as_markdown(found), *(paired.as_markdown(*part) for part in parts.items())]
    (folder / "table.md").write_text("\n".join(stored), encoding="utf-8")
    columns = {label(name): values for name, values in by_network(found).items()}
    viz.accuracy_dots(columns).savefig(folder / "accuracy.png", dpi=120)
    console.print(f"Comparison: {folder}", soft_wrap=True)


def by_network(found: Mapping[int, Mapping[str, float]]) -> dict[str, list[float]]:
    """The accuracies of each network, a seed after another."""
    return {name: [scores[name] for scores in found.values()] for name in next(iter(found.values()))}


def summary(found: Mapping[int, Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Mean accuracy and standard deviation over the seeds, by network; the deviation of one seed is 0.

    >>> means, spreads = summary({0: {"network": 0.9}, 1: {"network": 0.94}})
    >>> round(means["network"], 3), round(spreads["network"], 3)
    (0.92, 0.028)
    """
    columns = by_network(found)
    means = {name: statistics.fmean(values) for name, values in columns.items()}
    spreads = {name: statistics.stdev(values) if len(values) > 1 else 0.0 for name, values in columns.items()}
    return means, spreads


def _rows(found: Mapping[int, Mapping[str, float]]) -> list[list[str]]:
    means, spreads = summary(found)
    named = {str(seed): scores for seed, scores in found.items()} | {"mean": means, "sd": spreads}
    return [[name, *(f"{100 * scores[key]:.2f}" for key in means)] for name, scores in named.items()]


def _headings(found: Mapping[int, Mapping[str, float]]) -> list[str]:
    return ["seed", *(label(name) for name in next(iter(found.values())))]


def as_table(found: Mapping[int, Mapping[str, float]], *, title: str) -> Table:
    """The table as printed, in per cent."""
    table = Table(title=title)
    for number, heading in enumerate(_headings(found)):
        table.add_column(heading, justify="right" if number else "left")
    for row in _rows(found):
        table.add_row(*row, end_section=row[0] == str(list(found)[-1]))
    return table


def as_markdown(found: Mapping[int, Mapping[str, float]]) -> str:
    """The table as stored, in per cent."""
    headings = _headings(found)
    lines = [headings, ["---"] * len(headings), *_rows(found)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
