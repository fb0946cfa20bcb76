import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")
CASES = Path(__file__).with_name("triton_cases.py")


def test_the_kernels_equal_the_reference_in_tritons_interpreter():
    """Triton decides at import whether it interprets, so this needs a process of its own."""
    environment = {**os.environ, "TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", str(CASES)]
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        cwd=CASES.parents[2],
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
