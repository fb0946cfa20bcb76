"""The recipe randman beside controls that know how often units spike and not when: accuracy on test samples.

python recipes/randman.py [--seeds 3] [further options of the command, such as --trainer.max_epochs 5]
"""

import statistics
import sys

import lightning_snn

lightning_snn.tune_process()  # before torch is imported

from lightning_snn.cli.arguments import take_count
from lightning_snn.cli.scripted import networks_of, run_recipe

NETWORKS = {
    "spike times": [],
    "the same, times by chance": ["--data.timing=false"],
    "counts of the inputs": [
        "--model.read_from=units", "--model.readout=Linear", "--model.loss=CrossEntropy",
    ],
}  # fmt: skip
"""What the recipe is run with, by what the table calls it."""

SMOOTHNESS = (3.0, 2.0, 1.0)


def run(seed: int, options: list[str]) -> float:
    """Accuracy in per cent of the recipe with ``options``."""
    folder = run_recipe("randman", f"--seed={seed}", *options)
    return 100 * networks_of(folder)["network"]["accuracy"]


def table(found: dict[str, dict[float, list[float]]]) -> str:
    """Mean and standard deviation over the seeds."""
    lines = ["| network sees | " + " | ".join(f"smoothness {value:g}" for value in SMOOTHNESS) + " |"]
    lines.append("| --- |" + " --- |" * len(SMOOTHNESS))
    for name, scores in found.items():
        cells = [f"{statistics.fmean(each):.1f} ± {statistics.pstdev(each):.1f}" for each in scores.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    seeds, more = take_count(sys.argv[1:], "--seeds", default=3, least=1)
    print(
        table(
            {
                name: {
                    value: [run(s, [f"--data.smoothness={value}", *options, *more]) for s in range(seeds)]
                    for value in SMOOTHNESS
                }
                for name, options in NETWORKS.items()
            }
        )
    )
