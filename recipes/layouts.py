"""The recipe mnist on other layouts of the retina, else without a change: accuracy and localised share.

python recipes/layouts.py [--seeds 3] [further options of the command, such as --model.few_labels null]
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

import lightning_snn

lightning_snn.tune_process()  # before torch is imported

import torch

from lightning_snn.cli.arguments import take_count
from lightning_snn.cli.scripted import networks_of, run_recipe

DENSITY = 1500 / 28**2
"""Nodes per unit of area in the recipe."""

RADIUS, HOLE = 15.8, 5.0
"""A disk of about the square's area, and the radius of the ring's hole, in units of length."""


def layouts() -> dict[str, dict[str, object]]:
    """Each layout by name, as a configuration has it."""
    ring = round(DENSITY * torch.pi * (RADIUS**2 - HOLE**2))
    return {
        "square": {"class_path": "lightning_snn.Square", "init_args": {"num_nodes": 1500, "side": 28.0}},
        "disk": {"class_path": "lightning_snn.Disk", "init_args": {"num_nodes": 1500, "radius": RADIUS}},
        "ring": {
            "class_path": "lightning_snn.Disk",
            "init_args": {"num_nodes": ring, "radius": RADIUS, "inner_radius": HOLE},
        },
        "torus": {"class_path": "lightning_snn.Torus", "init_args": {"num_nodes": 1500, "side": 28.0}},
        "L of points": {"class_path": "ell.Ell", "init_args": {"num_nodes": 1500, "side": 28.0}},
    }


def run(layout: dict[str, object], seed: int, options: list[str]) -> dict[str, dict[str, float]]:
    """What the recipe measures of each network on a layout."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "layout.yaml")
        file.write_text(json.dumps({"model": {"init_args": {"layers": {"retina": {"geometry": layout}}}}}))
        return networks_of(run_recipe("mnist", "--config", str(file), f"--seed={seed}", *options))


def table(found: dict[str, list[dict[str, dict[str, float]]]]) -> str:
    """Means over the seeds in per cent."""
    networks = next(iter(found.values()))[0]
    names = list(networks)
    scores = [score for score in ("accuracy", "shifted") if score in networks["network"]]
    heading = ", ".join(scores).replace("accuracy", "clean")
    lines = ["| layout | localised | " + " | ".join(f"{name}: {heading}" for name in names) + " |"]
    lines.append("| --- | --- |" + " --- |" * len(names))
    for layout, runs in found.items():
        share = 100 * statistics.fmean(run["network"]["fields/localised_share"] for run in runs)
        cells = [
            ", ".join(f"{100 * statistics.fmean(run[name][score] for run in runs):.1f}" for score in scores)
            for name in names
        ]
        lines.append(f"| {layout} | {share:.1f} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    seeds, options = take_count(sys.argv[1:], "--seeds", default=1, least=1)
    print(
        table({name: [run(layout, s, options) for s in range(seeds)] for name, layout in layouts().items()})
    )
