"""The recipe pattern by e-prop, beside its controls: normalised error, mean (least to most).

python recipes/pattern.py [--seeds 3] [further options of the command, such as --data.repeats 100]

A seed draws weights and targets. A readout alone learns in all epochs, on weights that stay as drawn.
"""

import sys
import time

import lightning_snn

lightning_snn.tune_process()  # before torch is imported

from lightning_snn.cli.arguments import take_count
from lightning_snn.cli.scripted import networks_of, run_recipe

_READOUT = ["--model.learning=null", "--model.phases.all.train=[readout]", "--model.phases.all.lr=null"]

NETWORKS = {
    "e-prop": [],
    "readout alone": _READOUT,
    "readout alone, at the gains best for it": [*_READOUT, "--model.layers.recurrent.lateral.gain=60"],
    "backpropagation through time, slope 0.3": [
        "--model.learning=null", "--model.layers.recurrent.neuron.slope=0.3",
    ],
    "e-prop, random feedback": ["--model.learning.feedback=random"],
}  # fmt: skip
"""What the recipe is run with, by what the table calls it."""


def run(seed: int, options: list[str]) -> float:
    """Normalised error of the recipe with ``options``."""
    return networks_of(run_recipe("pattern", f"--seed={seed}", *options))["network"]["mse"]


def row(name: str, errors: list[float], seconds: float) -> str:
    """The line of a way to learn; ``seconds`` are those of one run."""
    mean = sum(errors) / len(errors)
    return f"| {name} | {mean:.3f} ({min(errors):.3f} to {max(errors):.3f}) | {seconds:.0f} |"


if __name__ == "__main__":
    seeds, more = take_count(sys.argv[1:], "--seeds", default=3, least=1)
    rows = ["| what learns | normalised error | seconds a run |", "| --- | --- | --- |"]
    for name, options in NETWORKS.items():
        start = time.perf_counter()
        errors = [run(seed, [*options, *more]) for seed in range(seeds)]
        rows.append(row(name, errors, (time.perf_counter() - start) / seeds))
        print(rows[-1], flush=True)
    print("\n".join(rows))
