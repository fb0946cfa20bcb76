"""File systems that fail in the middle of a command: one sentence, exit code 1, the last checkpoint stays."""

import errno
import os
import shutil
from pathlib import Path

import pytest
import torch
from helpers.commands import failure
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import FEW_BATCHES, QUIET, SMALL_NETWORK

from lightning_snn import SpikingClassifier
from lightning_snn.cli.main import main

pytestmark = [*OF_COMMANDS, pytest.mark.usefixtures("in_an_empty_folder", "undrawn")]

OPTIONS = [
    *QUIET,
    *FEW_BATCHES,
    "--trainer.max_epochs=2",
    "--trainer.log_every_n_steps=1",
    *SMALL_NETWORK,
    "--model.controls=[]",
]


@pytest.fixture
def before_step(monkeypatch):
    """``before_step(number, act)``: call ``act`` before a training step, counted from 1."""

    def set_up(number, act):
        calls, original = [], SpikingClassifier.training_step

        def step(self, *args):
            calls.append(self.global_step)
            if len(calls) == number:
                act()
            return original(self, *args)

        monkeypatch.setattr(SpikingClassifier, "training_step", step)

    return set_up


@pytest.mark.parametrize(
    "error", [PermissionError(errno.EACCES, "Permission denied"), OSError(28, "No space left")]
)
def test_checkpoints_can_no_longer_be_written(capsys, monkeypatch, before_step, error):
    def refuse(*_):
        raise error

    before_step(3, lambda: monkeypatch.setattr(os, "replace", refuse))
    said = failure(capsys, "run", "mnist_pooling", *OPTIONS, code=1)
    (run,) = Path("runs/mnist_pooling").iterdir()
    last = run / "checkpoints" / "last.ckpt"
    assert said.startswith(
        f"lightning-snn: {last}: {error.strerror}; resume with: lightning-snn run mnist_pooling "
    )
    assert said.endswith(f" --ckpt_path {last}")
    assert torch.load(last, weights_only=True)["global_step"] == 2
    assert {path.name for path in last.parent.iterdir()} == {"last.ckpt", "self_organization.ckpt"}


def test_a_file_in_the_place_of_the_folder(capsys, before_step):
    def replace():
        (folder,) = Path("runs/mnist_pooling").glob("*/checkpoints")
        shutil.rmtree(folder)
        folder.write_text("in the way")

    before_step(1, replace)
    assert "checkpoints" in failure(capsys, "fit", "--config", "mnist_pooling", *OPTIONS, code=1)


def test_a_run_folder_that_vanishes(capsys, before_step):
    before_step(1, lambda: shutil.rmtree("runs"))
    assert "No such file or directory" in failure(capsys, "run", "mnist_pooling", *OPTIONS, code=1)


def test_results_that_cannot_be_written(capsys, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lightning_snn.experiment.run.write_whole", refuse)
    said = failure(capsys, "run", "mnist_pooling", *OPTIONS, code=1)
    assert said.startswith(
        "lightning-snn: No space left on device; resume with: lightning-snn run mnist_pooling "
    )


def test_cp_to_where_nothing_can_be_written(capsys):
    Path("file").write_text("in the way")
    assert "Not a directory" in failure(capsys, "cp", "mnist_pooling", "file/mine.yaml", code=1)
    assert "No such file or directory" in failure(capsys, "cp", "mnist_pooling", "nowhere/mine.yaml", code=1)
    assert [path.name for path in Path().iterdir()] == ["file"]


def test_compare_where_nothing_can_be_written(capsys):
    Path("file").write_text("in the way")
    options = [*OPTIONS, "--trainer.default_root_dir=file"]
    assert "Not a directory" in failure(capsys, "compare", "mnist_pooling", *options, code=1)


def test_an_error_of_ours_keeps_its_traceback_and_says_how_to_go_on(before_step, capsys):
    before_step(3, lambda: {}["ours"])
    assert main(["run", "mnist_pooling", *OPTIONS]) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "KeyError: 'ours'" in said
    assert "; resume with: lightning-snn run mnist_pooling " in said.splitlines()[-1]
