"""Two checkouts of this package in turns: is the later one slower? Prints one table.

Every row is a piece of work of `run.py`, done by each checkout in a process of its own; the ratio is that of
the medians, so that what else the machine does weighs on both. Results that differ are printed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import neurons
from measure import ENVIRONMENT, Worker, seconds
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parents[2]
Piece = tuple[str, str, tuple[int | str, ...]]

PIECES: dict[str, Piece] = {
    "LIF forward + backward T=32 B=64 N=1024": ("lif", "ours", (32, 64, 1024)),
    "LIF forward + backward T=64 B=64 N=2048": ("lif", "ours", (64, 64, 2048)),
    "Izhikevich sheet, 1500 nodes, 1 stream, 500 steps": ("sheet", "work", (1500, 28, 1, 500)),
    "Izhikevich sheet, 1500 nodes, 8 streams, 500 steps": ("sheet", "work", (1500, 28, 8, 500)),
    "Izhikevich sheet, 3000 nodes, 1 stream, 500 steps": ("sheet", "work", (3000, 35, 1, 500)),
    "Izhikevich sheet, 100,000 nodes, 1 stream, 100 steps": ("sheet", "work", (100_000, 229, 1, 100)),
    "pair STDP 784 -> 400, T=100, B=32": ("plasticity", "ours", ()),
    "Diehl & Cook, 400 units, an image, 1 at once": ("diehl_cook", "ours", (1,)),
    "Diehl & Cook, 400 units, an image, 32 at once": ("diehl_cook", "ours", (32,)),
    **neurons.pieces(),
}
TUNED = "import lightning_snn; getattr(lightning_snn, 'tune_process', int)()"
"""As the command runs; versions without the call did it when they were imported."""

COMMAND = "from lightning_snn.cli import main; getattr(main, 'main', main)"
POOLING = "POOLING"
"""Stands for the recipe ``mnist_pooling``, which was ``mnist`` in checkouts that have no file of the name."""

PROGRAMS = {
    "import of all public names": "import lightning_snn as s; [getattr(s, name) for name in s.__all__]",
    "self-organisation 1500 -> 400": "import plasticity as p; p.self_organise(1500, 400, 28)",
    "self-organisation 3000 -> 800": "import plasticity as p; p.self_organise(3000, 800, 35)",
    "run mnist": f"{COMMAND}(['run', 'mnist'])",
    "run mnist_pooling": f"{COMMAND}(['run', '{POOLING}'])",
}
"""Whole processes, with what they import; each checkout keeps its compiled kernels.

Where a checkout has no ``mnist_pooling``, its ``mnist`` is another job: the ratio of that row says nothing.
"""


def turns(before: Path, after: Path, piece: Piece, repeats: int) -> tuple[list[list[float]], str]:
    """Seconds of both, a turn each after another, and what came out; the first two turns are not counted."""
    module, function, arguments = piece
    workers = [Worker(module, function, *arguments, root=root) for root in (before, after)]
    found = [[worker.run() for worker in workers] for _ in range(repeats + 2)][2:]
    for worker in workers:
        worker.close()
    early, late = (run["value"] for run in found[-1])
    result = f"{late:.4g}" if early == late else f"{early:.4g} -> {late:.4g}"
    return [[run["seconds"] for run in runs] for runs in found], result


def processes(before: Path, after: Path, program: str, repeats: int) -> list[list[float]]:
    """Seconds of whole processes, a turn each after another; the first turn compiles and is not counted."""
    return [[_process(root, program) for root in (before, after)] for _ in range(repeats + 1)][1:]


def _process(root: Path, program: str) -> float:
    place = root / "recipes" / "benchmarks"
    has_pooling = (root / "recipes" / "mnist_pooling.yaml").is_file()
    program = program.replace(POOLING, "mnist_pooling" if has_pooling else "mnist")
    with tempfile.TemporaryDirectory() as folder:
        environment = ENVIRONMENT | {"PYTHONPATH": f"{root}{os.pathsep}{place}"}
        command = [sys.executable, "-W", "ignore", "-c", f"{TUNED}; {program}"]
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        return time.perf_counter() - start


def main() -> None:
    """Read the options, take turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path, help="folder of the earlier checkout")
    parser.add_argument("--after", type=Path, default=HERE, help="of the later one; by default this one")
    parser.add_argument(
        "--repeats", type=int, default=15, help="turns of a piece; a fifth of it for whole processes"
    )
    parser.add_argument("--only", default="", help="rows whose names hold this text")
    given = parser.parse_args()
    before, after = given.before.resolve(), given.after.resolve()
    rows: dict[str, tuple[list[list[float]], str]] = {}
    for name in [*PIECES, *PROGRAMS]:
        if given.only not in name:
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        if name in PIECES:
            rows[name] = turns(before, after, PIECES[name], given.repeats)
        else:
            rows[name] = processes(before, after, PROGRAMS[name], max(1, given.repeats // 5)), ""
    table, speeds = Table("work", "before", "after", "after / before", "turns", "mean result"), []
    for name, (found, result) in rows.items():
        early, late = (statistics.median(column) for column in zip(*found, strict=True))
        speeds.append(early / late)
        table.add_row(name, seconds(early), seconds(late), f"{late / early:.3f}", str(len(found)), result)
    Console(width=160).print(table)
    if speeds:
        mean = statistics.mean(speeds)
        print(f"{len(speeds)} rows: {mean:.3f} times as fast on average, {min(speeds):.3f} at least")


if __name__ == "__main__":
    main()
