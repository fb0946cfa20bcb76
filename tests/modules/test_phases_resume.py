"""Runs in phases that are interrupted and go on, bit by bit as a run that is not; Lightning's switches."""

from functools import partial

import pytest
from helpers.expected_warnings import OTHER_CALLBACKS, SAME_FOLDER
from helpers.phased import PARTS, PHASES, Watch, phased
from helpers.tensors import assert_same
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

from lightning_snn import MLP, TrainingPhase

pytestmark = [OTHER_CALLBACKS, SAME_FOLDER]

READOUT, TOP = set(PARTS["readout"]), set(PARTS["top"])


class Crash(Exception):
    pass


class CrashAt(Callback):
    """Ends the run at the beginning of a step."""

    def __init__(self, step):
        self.step = step

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            raise Crash


def dropping(**changes):
    return phased(readout=partial(MLP, num_hidden=10), **changes)


@pytest.mark.parametrize("step", [1, 3, 4, 6, 8])
def test_a_run_goes_on_from_any_step(trainer, data, tmp_path, step):
    whole = dropping()
    trainer(max_epochs=3).fit(whole, data)
    every_step = ModelCheckpoint(tmp_path, every_n_train_steps=1, save_last=True, save_top_k=0)
    with pytest.raises(Crash):
        trainer(CrashAt(step), every_step, max_epochs=3).fit(dropping(), data)
    resumed, watch = dropping(), Watch()
    trainer(watch, max_epochs=3).fit(resumed, data, ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert len(watch.rates) == 9 - step
    assert_same(resumed.state_dict(), whole.state_dict())


def test_a_run_goes_on_from_the_end_of_a_phase(trainer, data, tmp_path):
    whole, watch = dropping(), Watch()
    at_ends = ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1)
    trainer(watch, at_ends, max_epochs=3).fit(whole, data)
    for epoch in (0, 1):
        resumed, again = dropping(), Watch()
        path = tmp_path / f"epoch={epoch}.ckpt"
        trainer(again, max_epochs=3).fit(resumed, data, ckpt_path=path, weights_only=True)
        assert again.rates == watch.rates[3 * (epoch + 1) :]
        assert_same(resumed.state_dict(), whole.state_dict())


def test_other_phases_do_not_go_on(trainer, data, tmp_path):
    fit = trainer(max_epochs=1, limit_train_batches=1)
    with pytest.warns(UserWarning, match="before finetune begins"):
        fit.fit(phased(), data)
    fit.save_checkpoint(tmp_path / "one.ckpt")
    other = phased(PHASES | {"top": TrainingPhase(1, ["top"], lr=0.03)})
    with pytest.raises(ValueError, match=r"model\.phases\.top\.lr: 0\.02 there, 0\.03 here"):
        trainer(max_epochs=3).fit(other, data, ckpt_path=tmp_path / "one.ckpt", weights_only=True)


@pytest.mark.parametrize(
    "switch",
    [
        {"accumulate_grad_batches": 2},
        {"gradient_clip_val": 1e-3},
        {"gradient_clip_val": 1e-3, "gradient_clip_algorithm": "value"},
        {"limit_train_batches": 2},
        {"num_sanity_val_steps": 0, "val_check_interval": 1},
        {"reload_dataloaders_every_n_epochs": 1},
        {"enable_checkpointing": True},
    ],
    ids=str,
)
def test_switches_of_lightning(trainer, data, switch):
    changed = []

    class Changes(Watch):
        def on_train_end(self, trainer, pl_module):
            changed.extend(self.changed())

    trainer(Changes(), **{"max_epochs": 3} | switch).fit(phased(), data)
    assert changed[:2] == [READOUT, TOP]
    assert {name for names in PARTS.values() for name in names} == changed[2]


def test_accumulation_ends_with_a_phase(trainer, data):
    watch = Watch()
    trainer(watch, max_epochs=3, accumulate_grad_batches=2).fit(phased(), data)
    steps = [rates["top"] for rates in watch.rates]  # three batches, two steps an epoch
    assert steps == [0.0] * 3 + [0.02] * 3 + [0.05] * 3  # of two steps the warm-up takes one


def test_steps_end_the_training_and_the_schedule(trainer, data):
    phases = {"readout": PHASES["readout"], "all": TrainingPhase(lr=1.0, schedule="linear")}
    watch = Watch()
    trainer(watch, max_epochs=-1, max_steps=7).fit(phased(phases), data)
    assert [rates["low"] for rates in watch.rates] == [0.0] * 3 + [1.0, 0.75, 0.5, 0.25]


def test_a_trial_run_and_early_stopping(trainer, data):
    trial = phased()
    trainer(fast_dev_run=True).fit(trial, data)
    assert trial.encode_seconds == 0
    stop = EarlyStopping("train/phase", mode="min", patience=1, check_on_train_epoch_end=True)
    watch = Watch()
    trainer(stop, watch, max_epochs=9).fit(phased(), data)
    assert len(watch.rates) == 6
