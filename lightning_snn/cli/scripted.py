"""Recipes that a script runs, and what came of them."""

import json
from pathlib import Path

from lightning_snn.cli.main import main


def run_recipe(name: str, *options: str) -> Path:
    """The folder of a run of the recipe ``name``, as ``lightning-snn run`` with ``options`` makes it.

    Raises:
        SystemExit: if the run fails, with its exit code.
    """
    if code := main(["run", name, *options]):
        raise SystemExit(code)
    return max(Path("runs", name).iterdir())


def networks_of(folder: Path) -> dict[str, dict[str, float]]:
    """What a run measured, by network."""
    found: dict[str, dict[str, float]] = json.loads((folder / "results.json").read_text("utf-8"))["networks"]
    return found
