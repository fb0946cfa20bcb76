"""Scripts that run on one process, this one, or on several that wait for each other."""

import os
import runpy
import socket
import subprocess
import sys

import pytest


def free_port():
    """A port that nobody listens at."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def run_script(folder, text, devices, *options):
    """Run ``text`` as ``script.py DEVICES FOLDER OPTIONS`` in a new folder; what it says of errors."""
    folder.mkdir()
    script = folder / "script.py"
    script.write_text(text, encoding="utf-8")
    if devices == 1:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [str(script), "1", str(folder), *map(str, options)])
            runpy.run_path(str(script), run_name="__main__")
        return ""
    done = subprocess.run(
        [sys.executable, script, str(devices), folder, *options],
        env=os.environ | {"OMP_NUM_THREADS": "1", "MASTER_PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr
