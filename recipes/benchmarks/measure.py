"""Alternating timings of ours and a peer, the rows they make, and their peak memory."""

import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

Work = Callable[[], Any]

TURN = 0.1
"""Seconds that a turn goes on calling: a training loop calls again and again, its caches and threads warm."""

PAUSE = 0.05
"""Seconds before each turn: OpenMP's threads of the process before still spin for some milliseconds."""

OURS = ("ours", "work")
"""Names of the functions that make our work."""

ENVIRONMENT = dict(os.environ)
"""As the user set it: `tune_process` adds to it, and other libraries are not to see that."""


@dataclass
class Row:
    """One line of the table.

    Args:
        work: What was done.
        peer: With what ours is compared.
        ours: Our time in seconds.
        theirs: The peer's time in seconds; for a limit, the limit.
        least: The ratio ``theirs / ours`` that is asked for; None where the row only informs.
        memory: Peak memory of ours and of the peer in MB, where measured.
        note: What the times are of, and what was checked.
    """

    work: str
    peer: str
    ours: float
    theirs: float
    least: float | None = None
    memory: tuple[float, float] | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.theirs / self.ours


class Worker:
    """A process of its own that does one piece of work whenever it is asked to.

    So each library runs as its users run it: ours after `tune_process`, others without.

    Args:
        module: A file of this folder.
        function: A function in it that returns the work.
        arguments: Its arguments.
        root: Another checkout, whose code is to run, and whose benchmarks where it has the module.

    Raises:
        ImportError: if the worker lacks a library.
    """

    def __init__(self, module: str, function: str, *arguments: Any, root: Path | None = None) -> None:
        script = Path(__file__)
        if root is not None and (root / "recipes" / "benchmarks" / f"{module}.py").is_file():
            script = root / "recipes" / "benchmarks" / "measure.py"
        self._start(
            [sys.executable, "-W", "ignore", str(script), module, function, json.dumps(arguments)],
            ENVIRONMENT if root is None else ENVIRONMENT | {"PYTHONPATH": str(root)},
        )
        missing = self._read().get("missing")
        if missing:
            raise ImportError(missing)

    def run(self) -> dict[str, float]:
        """Median ``seconds`` of the calls of one more turn, the mean ``value`` of a result, memory in MB.

        ``peak`` counts from when the work was ready, ``total`` is the most that the process ever took.
        """
        assert self.process.stdin is not None
        time.sleep(PAUSE)
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()

    def _start(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                return found
        raise RuntimeError(f"a worker ended: {' '.join(map(str, self.process.args))}")


class Brian2(Worker):
    """A script of this folder under the interpreter that has Brian2, given a network as JSON."""

    def __init__(self, python: str, script: str, network: dict[str, Any]) -> None:
        self._start([python, str(Path(__file__).with_name(script))], ENVIRONMENT)
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(network) + "\n")
        self.process.stdin.flush()
        self._read()


class Pair(NamedTuple):
    """Of ours and the peer: median seconds, MB on top, mean of the last result, MB in all."""

    seconds: tuple[float, float]
    memory: tuple[float, float]
    value: tuple[float, float]
    total: tuple[float, float]


def alternate(ours: Worker, peer: Worker, repeats: int) -> Pair:
    """Both in turns, after two turns each that are not counted."""
    found = [(ours.run(), peer.run()) for _ in range(repeats + 2)][2:]
    ours_last, peer_last = found[-1]

    def both(name: str) -> tuple[float, float]:
        return ours_last[name], peer_last[name]

    medians = [statistics.median(run["seconds"] for run in column) for column in zip(*found, strict=True)]
    return Pair((medians[0], medians[1]), both("peak"), both("value"), both("total"))


def _work(module: str, function: str, arguments: list[Any]) -> None:
    """What a worker does: one line of JSON when ready, and one for each line that it reads."""
    try:
        if function in OURS:
            importlib.import_module("lightning_snn").tune_process()  # before torch, as README says
        work = getattr(importlib.import_module(module), function)(*arguments)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    start_memory, most = _memory("VmRSS"), _memory("VmHWM")
    Path("/proc/self/clear_refs").write_text("5")  # starts a new peak
    print("{}", flush=True)
    for _ in sys.stdin:
        taken: list[float] = []
        while sum(taken) < TURN:
            start = time.perf_counter()
            result = work()
            taken.append(time.perf_counter() - start)
        peak = _memory("VmHWM")
        answer = {"seconds": statistics.median(taken), "value": float(result.mean())}
        print(json.dumps(answer | {"peak": peak - start_memory, "total": max(most, peak)}), flush=True)


def _memory(name: str) -> float:
    """A line of the process's status in MB."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise ValueError(f"/proc/self/status has no {name}")


def seconds(value: float) -> str:
    """A time with its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


if __name__ == "__main__":
    _work(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
