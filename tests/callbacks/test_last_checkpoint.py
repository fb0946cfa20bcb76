"""``last.ckpt``: always the last state, beside any checkpoints of the user's own."""

from functools import partial

import pytest
import torch
from helpers.expected_warnings import SAME_FOLDER, UNWIRED
from helpers.tensors import assert_same
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lightning_snn import ClassAssignment
from lightning_snn.callbacks.last_checkpoint import LastCheckpoint

pytestmark = [UNWIRED, SAME_FOLDER]


@pytest.fixture
def last(classifier, phase, trainer, data, tmp_path):
    """``last(*callbacks, **options)``: fit; returns the Trainer, the model and what ``last.ckpt`` holds."""

    def run(*callbacks, ckpt_path=None, classifier_options=None, **options):
        model = classifier(**(classifier_options or {}))
        fit = trainer(phase(), *callbacks, LastCheckpoint(), enable_checkpointing=True, **options)
        fit.fit(model, data, ckpt_path=ckpt_path, weights_only=True)
        path = tmp_path / "checkpoints" / "last.ckpt"
        return fit, model, torch.load(path, weights_only=True)

    return run


def check(fit, model, saved):
    assert saved["global_step"] == fit.global_step > 0
    assert_same(saved["state_dict"], model.state_dict())


@pytest.mark.parametrize(
    "options",
    [
        {"max_epochs": 3, "check_val_every_n_epoch": 2},
        {"max_epochs": 2, "check_val_every_n_epoch": 5},
        {"max_epochs": 2, "val_check_interval": 2},
        {"max_epochs": 2, "limit_val_batches": 0},
        {"max_steps": 4, "max_epochs": -1},
        {"max_epochs": 2, "limit_train_batches": 1},
    ],
    ids=str,
)
def test_whenever_there_is_a_validation(last, options):
    check(*last(**options))


def test_with_a_readout_that_learns_locally(last):
    check(*last(classifier_options={"readout": ClassAssignment}, check_val_every_n_epoch=5))


def test_beside_checkpoints_of_the_users_own(last, tmp_path):
    own = (
        ModelCheckpoint(tmp_path / "own", filename="{step}"),
        ModelCheckpoint(monitor="val/accuracy", mode="max"),
    )
    check(*last(*own, max_epochs=2, check_val_every_n_epoch=2))
    assert (tmp_path / "own" / "step=6.ckpt").is_file()


def test_resumed_where_it_had_ended_it_is_there_again(last, tmp_path):
    last(max_epochs=2)
    path = tmp_path / "checkpoints" / "last.ckpt"
    path.rename(tmp_path / "earlier.ckpt")
    check(*last(ckpt_path=tmp_path / "earlier.ckpt", max_epochs=2))


def test_resumed_at_an_epochs_end_with_a_scheduler(last, tmp_path):
    schedule = {"scheduler": partial(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5)}
    _, whole, _ = last(max_epochs=3, check_val_every_n_epoch=2, classifier_options=schedule)
    (tmp_path / "checkpoints" / "last.ckpt").unlink()
    last(max_epochs=1, check_val_every_n_epoch=2, classifier_options=schedule)
    path = tmp_path / "checkpoints" / "last.ckpt"
    path.rename(tmp_path / "earlier.ckpt")
    options = {"max_epochs": 3, "check_val_every_n_epoch": 2, "classifier_options": schedule}
    _, resumed, _ = last(ckpt_path=tmp_path / "earlier.ckpt", **options)
    assert_same(resumed.state_dict(), whole.state_dict())


@pytest.mark.parametrize(("processes", "saves"), [(1, 1), (2, 0)])
def test_none_of_several_processes_saves_alone(classifier, trainer, monkeypatch, processes, saves):
    saved = []
    monkeypatch.setattr(Trainer, "world_size", processes)
    monkeypatch.setattr(ModelCheckpoint, "on_exception", lambda self, *_: saved.append(self))
    fit, last = trainer(), LastCheckpoint()
    fit.state.fn = TrainerFn.FITTING
    last.on_exception(fit, classifier(), SIGTERMException())
    assert saved == [last] * saves
