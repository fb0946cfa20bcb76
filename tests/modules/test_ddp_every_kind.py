"""Every kind of module on two processes learns what it learns on one."""

from pathlib import Path

import pytest
import torch
from helpers.several import run_script
from helpers.tensors import assert_same

pytestmark = pytest.mark.ddp

SCRIPT = """
import sys
from functools import partial
from pathlib import Path

import torch
from lightning.pytorch import LightningDataModule, Trainer
from torch.utils.data import DataLoader

from lightning_snn import *

devices, folder = int(sys.argv[1]), Path(sys.argv[2])
torch.set_num_threads(1)
options = {"seed": 0, "optimizer": partial(torch.optim.SGD, lr=0.1)}
costs = {
    "rates": RateBounds(20.0, 200.0), "energy": SynapticOperations(1e-4), "weights": WeightPenalty(l2=1e-3)
}


def layers():
    trained = partial(Dense, gain=8.0, trainable=True)
    return {
        "eye": SpikingLayer(Square(6, 5.0), Relay()),
        "top": SpikingLayer(Square(24, 5.0), LIF(5.0), projection=trained),
    }


class Shared(LightningDataModule):
    def __init__(self, samples):
        super().__init__()
        self.samples = samples

    def train_dataloader(self):
        rank, processes = self.trainer.global_rank, self.trainer.world_size
        return DataLoader(self.samples[rank::processes], batch_size=16 // processes)


KINDS = {
    "classifier": lambda: SpikingClassifier(
        layers(), Frames(), SpikingReadout, num_classes=3, loss=LatencyCrossEntropy(), regularisers=costs,
        **options,
    ),
    "regressor": lambda: SpikingRegressor(
        layers(), Frames(), LeakyReadout, num_outputs=3, loss=MeanSquaredError("last"), **options
    ),
    "autoencoder": lambda: SpikingAutoencoder(
        layers(), Frames(), SpikingReadout, input_size=6, loss=VictorPurpura(), **options
    ),
}

if __name__ == "__main__":
    torch.manual_seed(0)
    frames = (torch.rand(32, 12, 6) < 0.3).float()
    targets = {"classifier": torch.arange(32) % 3, "regressor": torch.rand(32, 3), "autoencoder": frames}
    for name, build in KINDS.items():
        model = build()
        trainer = Trainer(
            accelerator="cpu", devices=devices, strategy="ddp" if devices > 1 else "auto", max_epochs=2,
            logger=False, enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False,
            use_distributed_sampler=False,
        )
        trainer.fit(model, Shared(list(zip(frames, targets[name], strict=True))))
        torch.save(model.state_dict(), folder / f"{name}-{trainer.global_rank}.pt")
    if devices > 1:
        torch.distributed.destroy_process_group()  # left to the interpreter's end, it may abort
"""


@pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no `val_dataloader`")
def test_two_processes_learn_what_one_does(tmp_path):
    run_script(tmp_path / "1", SCRIPT, 1)
    said = run_script(tmp_path / "2", SCRIPT, 2)
    assert "unused" not in said
    for name in ("classifier", "regressor", "autoencoder"):
        expected, first, second = (
            torch.load(Path(tmp_path, path), weights_only=True)
            for path in (f"1/{name}-0.pt", f"2/{name}-0.pt", f"2/{name}-1.pt")
        )
        assert_same(second, first)
        for key, value in expected.items():
            torch.testing.assert_close(first[key], value, rtol=1e-4, atol=1e-5, msg=f"{name}: {key}")
