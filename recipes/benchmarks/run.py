"""All benchmarks on this machine: prints one table and stores it, with a plot, in a run folder.

Each row runs ours and the peer in turns and gives the ratio of the medians. A peer that is not installed
is left out; see README.md.
"""
# ruff: noqa: E402 - the process is tuned before torch is imported

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from measure import Row, seconds  # which keeps the environment as it is

import lightning_snn

lightning_snn.tune_process()

import compile_times
import diehl_cook
import end_to_end
import lif
import models
import numba
import own_model
import places
import plasticity
import recurrent
import scaling
import sheet
import torch
import training
from rich.console import Console
from rich.table import Table

PARTS = (
    "lif", "models", "own_model", "compile_times", "recurrent", "training", "sheet", "plasticity", "places",
    "diehl_cook", "end_to_end", "scaling",
)  # fmt: skip


def main() -> None:
    """Read the options, run the parts, print and store the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, of {', '.join(PARTS)}")
    parser.add_argument("--repeats", type=int, default=15, help="timings of each")
    parser.add_argument("--brian2-python", help="interpreter of an environment with brian2 and numpy < 2.3")
    parser.add_argument("--mnist-root", help="folder that holds MNIST/raw, for mnist_full")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks"), help="run folder")
    given = parser.parse_args()
    parts = given.only.split(",")
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        parser.error(f"--only must name parts of {', '.join(PARTS)}, got {', '.join(unknown)}")
    given.out.mkdir(parents=True, exist_ok=True)
    run: dict[str, Callable[[], list[Row]]] = {
        "lif": lambda: lif.rows(given.repeats),
        "models": lambda: models.rows(given.repeats),
        "own_model": lambda: own_model.rows(given.repeats, given.brian2_python),
        "compile_times": compile_times.rows,
        "recurrent": lambda: recurrent.rows(given.repeats),
        "training": lambda: training.rows(given.repeats),
        "sheet": lambda: sheet.rows(given.repeats, given.brian2_python),
        "plasticity": lambda: plasticity.rows(given.repeats),
        "places": lambda: places.rows(max(3, given.repeats // 3)),
        "diehl_cook": lambda: diehl_cook.rows(given.repeats),
        "end_to_end": lambda: end_to_end.rows(given.mnist_root),
    }
    found: list[Row] = []
    for part in (part for part in PARTS if part in parts and part in run):
        print(f"{part} ...", file=sys.stderr, flush=True)
        try:
            found += run[part]()
        except ImportError as error:
            print(f"{part} is left out, a peer is missing: {error}", file=sys.stderr)
    text = as_markdown(found)
    Console(width=200).print(as_table(found))
    print(machine())
    (given.out / "table.md").write_text(f"{machine()}\n\n{text}", encoding="utf-8")
    (given.out / "table.json").write_text(json.dumps([asdict(row) for row in found], indent=1), "utf-8")
    if "scaling" in parts:
        scaling.plot(given.out / "scaling.png", max(3, given.repeats // 3))
    print(f"Run folder: {given.out}")


def machine() -> str:
    """What the numbers were measured on."""
    cpu = platform.processor() or platform.machine()
    for line in (
        Path("/proc/cpuinfo").read_text("utf-8").splitlines() if os.path.exists("/proc/cpuinfo") else ()
    ):
        if line.startswith("model name"):
            cpu = line.split(":")[1].strip()
            break
    return (
        f"{cpu}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, torch {torch.__version__}, "
        f"numba {numba.__version__}, {datetime.now():%Y-%m-%d}"
    )


def cells(row: Row) -> tuple[str, ...]:
    """A row of the table."""
    least = "-" if row.least is None else f"{row.least:.3g}"
    reached = "-" if row.least is None else "yes" if row.ratio >= row.least else "no"
    memory = "-" if row.memory is None else f"{row.memory[0]:.0f} / {row.memory[1]:.0f}"
    return (
        row.work, row.peer, seconds(row.ours), seconds(row.theirs), f"{row.ratio:.3g}", least, reached,
        memory, row.note,
    )  # fmt: skip


HEADER = ("work", "peer", "ours", "peer's", "ratio", "at least", "reached", "MB ours / peer", "note")


def as_table(found: list[Row]) -> Table:
    """The table as printed."""
    table = Table(*HEADER)
    for row in found:
        table.add_row(*cells(row))
    return table


def as_markdown(found: list[Row]) -> str:
    """The table as stored."""
    lines = [HEADER, tuple("---" for _ in HEADER), *(cells(row) for row in found)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    main()
