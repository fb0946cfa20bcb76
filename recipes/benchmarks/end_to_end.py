"""The command line, from start to end, against its limits."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from measure import Row


def rows(mnist_root: str | None) -> list[Row]:
    """``run mnist`` with an empty cache of kernels and with a filled one, and ``run mnist_full``."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NUMBA_CACHE_DIR"] = str(Path(folder) / "kernels")
        found = [
            _run(folder, "run mnist, first run", 60.0, "mnist"),
            _run(folder, "run mnist", 45.0, "mnist"),
        ]
        if mnist_root:
            root = str(Path(mnist_root).resolve())
            found.append(_run(folder, "run mnist_full", 240.0, "mnist_full", "--data.root", root))
        del os.environ["NUMBA_CACHE_DIR"]
    return found


def _run(folder: str, work: str, limit: float, *arguments: str) -> Row:
    start = time.perf_counter()
    subprocess.run(["lightning-snn", "run", *arguments], cwd=folder, capture_output=True, check=True)
    taken = time.perf_counter() - start
    run = max(Path(folder, "runs", arguments[0]).iterdir())
    found = json.loads((run / "results.json").read_text(encoding="utf-8"))
    accuracy, wiring = found["networks"]["network"]["accuracy"], found["seconds"]["self-organise"]
    return Row(work, "limit", taken, limit, 1.0, None, f"test accuracy {accuracy:.1%}, wiring {wiring:.1f} s")
