"""The command line, from start to end, against its limits."""

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
            _run(folder, "run mnist, first run", 90.0, "mnist"),
            _run(folder, "run mnist", 60.0, "mnist"),
        ]
        if mnist_root:
            root = str(Path(mnist_root).resolve())
            found.append(_run(folder, "run mnist_full", 240.0, "mnist_full", "--data.root", root))
        del os.environ["NUMBA_CACHE_DIR"]
    return found


def _run(folder: str, work: str, limit: float, *arguments: str) -> Row:
    start = time.perf_counter()
    done = subprocess.run(
        ["lightning-snn", "run", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    taken = time.perf_counter() - start
    lines = [line for line in done.stdout.splitlines() if line.startswith("│ self-organised")]
    accuracy = lines[-1].split("│")[2].strip() if lines else "?"
    return Row(work, "limit", taken, limit, 1.0, None, f"test accuracy {accuracy}")
