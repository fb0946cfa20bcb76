"""Several tests over seeds: means of each network, and what it is above each control, pair by pair."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from rich.table import Table

from lightning_snn.experiment.student import interval
from lightning_snn.experiment.tests import further_tests, heading, leading
from lightning_snn.presentation.names import label
from lightning_snn.presentation.present import NETWORK

CLEAN = "clean"

Scores = Mapping[int, Mapping[str, Mapping[str, float]]]
"""Accuracies by seed, network and test."""

Cell = TypeVar("Cell")
Rows = list[list[str]]
"""Cells of a table, the headings first."""


def accuracies(scores: Mapping[str, float]) -> dict[str, float]:
    """The accuracies of a network by test, of all its scores.

    >>> accuracies({"accuracy": 0.9, "macro_f1": 0.8, "shifted": 0.7, "lgn/field_size": 96.0})
    {'clean': 0.9, 'shifted': 0.7}
    """
    further = further_tests(scores, ("accuracy", "macro_f1"))
    return {CLEAN: scores["accuracy"]} | {test: scores[test] for test in further}


def means(found: Scores) -> dict[str, dict[str, float]]:
    """Mean over the seeds, by network and test."""
    return {
        name: {test: statistics.fmean(values) for test, values in tests.items()}
        for name, tests in _by_network(found).items()
    }


def differences(found: Scores) -> dict[str, dict[str, tuple[float, float | None]]]:
    """The network's accuracy minus that of each control with the same seed, by control and test.

    Returns:
        The mean over the seeds, and the reach of its 95 % interval to both sides; None with one seed.
    """
    columns = _by_network(found)
    own = columns.pop(NETWORK)
    return {
        name: {
            test: interval([a - b for a, b in zip(own[test], values, strict=True)])
            for test, values in tests.items()
        }
        for name, tests in columns.items()
    }


def as_json(found: Scores) -> dict[str, Any]:
    """What is stored: all accuracies, their means, and the differences."""
    apart = {
        name: {test: {"mean": mean, "reach": reach} for test, (mean, reach) in tests.items()}
        for name, tests in differences(found).items()
    }
    return {"tests": found, "means": means(found), "network_minus_control": apart}


def are_several(found: Scores) -> bool:
    """Whether there are more tests than that on the samples as they are."""
    return any(set(tests) > {CLEAN} for networks in found.values() for tests in networks.values())


def tables(found: Scores) -> dict[str, Rows]:
    """Cells by title: the means in per cent, and the differences in points; of the tests that tables show."""
    tests = leading(next(iter(next(iter(found.values())).values())))
    several = len(found) > 1
    average = _rows("network", means(found), tests, _mean_cell)
    apart = _rows("minus", differences(found), tests, _difference_cell)
    title = f"Accuracy in %, {'mean of ' if several else ''}seeds {', '.join(map(str, found))}"
    beside = f"{label(NETWORK)} minus control, in points{', 95 % interval' if several else ''}"
    return {title: average} | ({beside: apart} if len(apart) > 1 else {})


def as_table(title: str, rows: Rows) -> Table:
    """A table as printed, its numbers unbroken."""
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(rows[0]):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows[1:]:
        table.add_row(row[0], *(cell.replace(" ", "") for cell in row[1:]))
    return table


def as_markdown(title: str, rows: Rows) -> str:
    """A table as stored."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join([f"{title}:", "", *(f"| {' | '.join(line)} |" for line in lines)]) + "\n"


def _rows(
    what: str, values: Mapping[str, Mapping[str, Cell]], tests: Sequence[str], form: Callable[[Cell], str]
) -> Rows:
    body = [[label(name), *(form(row[test]) for test in tests)] for name, row in values.items()]
    return [[what, *map(heading, tests)], *body]


def _mean_cell(mean: float) -> str:
    return f"{100 * mean:.1f}"


def _difference_cell(difference: tuple[float, float | None]) -> str:
    mean, reach = difference
    return f"{100 * mean:+.1f}" + ("" if reach is None else f" ± {100 * reach:.1f}")


def _by_network(found: Scores) -> dict[str, dict[str, list[float]]]:
    """Accuracies by network and test, a seed after another."""
    networks = next(iter(found.values()))
    return {
        name: {test: [scores[name][test] for scores in found.values()] for test in tests}
        for name, tests in networks.items()
    }
