"""Runs of a Trainer that stop and go on, compared bit by bit with runs that do not stop."""

import pytest
import torch
from helpers.expected_warnings import OTHER_CALLBACKS
from helpers.tensors import assert_same
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.nn import functional as F

from lightning_snn.data import Batch, BatchLoader, ImageDataset

pytestmark = OTHER_CALLBACKS


class Linear(LightningModule):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(6, 10)
        self.seen = []

    def training_step(self, batch, _):
        assert isinstance(batch, Batch)
        self.seen.append((self.global_step, batch.sample.tolist()))
        return F.cross_entropy(self.layer(batch.image.flatten(1)), batch.label)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.1)


class Validated(Linear):
    def validation_step(self, batch, _):
        self.log("val_samples", float(len(batch.sample)), reduce_fx="sum")


def loader(*, shuffle=True, limit=1.0):
    """Batches of 23 noise images: five training batches of four an epoch."""
    images = torch.randint(0, 256, (23, 1, 2, 3), generator=torch.Generator().manual_seed(1))
    data = ImageDataset(images.to(torch.uint8), labels=torch.arange(23) % 10, sample=torch.arange(23))
    return BatchLoader(data, batch_size=4, shuffle=shuffle, seed=5, limit=limit)


def fit(folder, *, model=Linear, checkpoints=None, ckpt_path=None, **options):
    network = model()
    train = loader(limit=options.get("limit_train_batches", 1.0))
    val = loader(shuffle=False) if model is Validated else None
    trainer = Trainer(
        accelerator="cpu",
        default_root_dir=folder,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=checkpoints is not None,
        callbacks=checkpoints,
        **options,
    )
    trainer.fit(network, train, val, ckpt_path=ckpt_path, weights_only=True)
    return network


def every_step(folder):
    return ModelCheckpoint(folder, filename="{step}", every_n_train_steps=1, save_top_k=-1)


def every_epoch(folder):
    return ModelCheckpoint(folder, filename="{step}", every_n_epochs=1, save_top_k=-1)


def assert_goes_on(resumed, whole, step):
    assert resumed.seen == whole.seen[step:]
    assert_same(resumed.state_dict(), whole.state_dict())


@pytest.mark.parametrize("model", [Linear, Validated])
@pytest.mark.parametrize("length", [{"max_epochs": 3}, {"max_epochs": -1, "max_steps": 13}])
@pytest.mark.parametrize("limit", [1.0, 3])
def test_resumed_after_any_step(tmp_path, model, length, limit):
    options = {"model": model, "limit_train_batches": limit, **length}
    whole = fit(tmp_path, checkpoints=every_step(tmp_path), **options)
    total = len(whole.seen)
    assert total == (13 if "max_steps" in length else 15 if limit == 1.0 else 9)
    for step in (1, 3, 5, 6, 7):
        resumed = fit(tmp_path, ckpt_path=tmp_path / f"step={step}.ckpt", **options)
        assert_goes_on(resumed, whole, step)


extra_batch = pytest.mark.xfail(
    strict=True,
    reason="Lightning 2.6: with max_steps and no validation, a run resumed from the end of an epoch "
    "makes an epoch of one batch",
)


@pytest.mark.parametrize(
    ("model", "length"),
    [
        (Linear, {"max_epochs": 3}),
        (Validated, {"max_epochs": 3}),
        (Validated, {"max_epochs": -1, "max_steps": 13}),
        pytest.param(Linear, {"max_epochs": -1, "max_steps": 13}, marks=extra_batch),
    ],
)
@pytest.mark.parametrize("limit", [1.0, 3])
def test_resumed_after_an_epoch(tmp_path, model, length, limit):
    options = {"model": model, "limit_train_batches": limit, **length}
    whole = fit(tmp_path, checkpoints=every_epoch(tmp_path), **options)
    epoch = 5 if limit == 1.0 else 3
    for step in (epoch, 2 * epoch):
        resumed = fit(tmp_path, ckpt_path=tmp_path / f"step={step}.ckpt", **options)
        assert_goes_on(resumed, whole, step)


@pytest.mark.parametrize("step", [2, pytest.param(5, marks=extra_batch), 7])
def test_resumed_after_max_steps(tmp_path, step):
    whole = fit(tmp_path, max_steps=13)
    fit(tmp_path, checkpoints=every_epoch(tmp_path), max_steps=step)
    resumed = fit(tmp_path, ckpt_path=tmp_path / f"step={step}.ckpt", max_steps=13)
    assert_goes_on(resumed, whole, step)


def test_an_epoch_cut_short_is_followed_by_a_new_permutation(tmp_path):
    short = [index for _, index in fit(tmp_path, max_epochs=3, limit_train_batches=2).seen]
    whole = loader()
    epochs = [[batch.sample.tolist() for batch in whole] for _ in range(3)]
    assert short == [batch for epoch in epochs for batch in epoch[:2]]
