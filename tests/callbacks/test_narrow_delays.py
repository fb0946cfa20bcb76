"""Gaussians of delays that narrow epoch by epoch."""

from functools import partial

import pytest
import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader, TensorDataset

from lightning_snn import (
    LIF,
    DelayedDense,
    Dense,
    Frames,
    Linear,
    Relay,
    SpikingClassifier,
    SpikingLayer,
    Square,
)
from lightning_snn.callbacks import NarrowDelays


def model(projection):
    return SpikingClassifier(
        layers={
            "input": SpikingLayer(Square(6, side=2.0), Relay()),
            "units": SpikingLayer(Square(8, side=2.0), LIF(5.0), projection=projection),
        },
        encoder=Frames(),
        readout=Linear,
        num_classes=2,
        seed=0,
    )


def fit(module, callback, folder, epochs=3, resume=None):
    data = TensorDataset(torch.rand(8, 5, 6), torch.arange(8) % 2)
    trainer = Trainer(
        max_epochs=epochs, accelerator="cpu", callbacks=[callback], logger=False, default_root_dir=folder,
        enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=1,
    )  # fmt: skip
    trainer.fit(module, DataLoader(data, batch_size=4), ckpt_path=resume, weights_only=False)
    return trainer


class Seen(NarrowDelays):
    """Keeps the widths of all epochs."""

    def on_train_epoch_start(self, trainer, pl_module):
        super().on_train_epoch_start(trainer, pl_module)
        self.widths = [*getattr(self, "widths", []), pl_module.network.projections["units"].sigma.item()]


@pytest.mark.filterwarnings("ignore")
def test_widths_shrink_by_the_same_factor_and_a_resumed_run_goes_on(tmp_path):
    make = partial(DelayedDense, max_delay=4.0, sigma=2.0, trainable=True)
    first = Seen(end=0.5)
    trainer = fit(model(make), first, tmp_path)
    assert first.widths == pytest.approx([2.0, 1.0, 0.5])
    trainer.save_checkpoint(tmp_path / "end.ckpt")
    found = SpikingClassifier.load_from_checkpoint(tmp_path / "end.ckpt", weights_only=False)
    assert found.network.projections["units"].sigma.item() == pytest.approx(0.5)
    resumed = Seen(end=0.125, epochs=4)
    fit(model(make), resumed, tmp_path, epochs=6, resume=tmp_path / "end.ckpt")
    assert resumed.widths == pytest.approx([0.25, 0.125, 0.125])


@pytest.mark.filterwarnings("ignore")
def test_what_it_refuses(tmp_path):
    with pytest.raises(ValueError, match="NarrowDelays needs a DelayedDense whose delays are trained"):
        fit(model(partial(Dense, trainable=True)), NarrowDelays(), tmp_path)
    for options in ({"end": 0.0}, {"epochs": 0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            NarrowDelays(**options)
