"""Commands that are ended from outside: what they leave and say, and that they go on as if nothing was."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from helpers.commands import run_in
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import QUIET, SMALL_NETWORK
from helpers.tensors import assert_same

from lightning_snn import SpikingClassifier, SpontaneousWaves
from lightning_snn.cli.main import main

pytestmark = [*OF_COMMANDS, pytest.mark.usefixtures("in_an_empty_folder", "undrawn")]

OPTIONS = [
    *QUIET,
    "--trainer.limit_train_batches=4",
    "--trainer.limit_val_batches=2",
    "--trainer.limit_test_batches=1",
    "--trainer.max_epochs=2",
    "--trainer.log_every_n_steps=1",
    "--data.eval_batch_size=50",
    *SMALL_NETWORK,
    "--model.readout=Linear",
    "--model.controls=[random]",
    "--self_organization.max_steps=1600",
    "--self_organization.stop_at=1.0",
]
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}


@pytest.fixture(autouse=True)
def ctrl_c_as_before():
    yield
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Lightning ignores further ones


def ended(run=None):
    """The accuracies of the networks of a run, by default the latest, and its last weights."""
    run = run or max(Path("runs/mnist_pooling").iterdir())
    results = json.loads((run / "results.json").read_text())["networks"]
    return results, torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a run that is not interrupted leaves."""
    return ended(run_in(tmp_path_factory.mktemp("whole"), "mnist_pooling", *OPTIONS, drawn=False))


class Killed:
    """Sends a signal to this process at the ``number``-th call of a method."""

    def __init__(self, patch, owner, method, number, sent):
        self.calls, original = 0, getattr(owner, method)

        def call(*args, **kwargs):
            self.calls += 1
            if self.calls == number:
                os.kill(os.getpid(), sent)
            return original(*args, **kwargs)

        patch.setattr(owner, method, call)


PHASE = (SpontaneousWaves, "currents", 3)
EPOCHS = (SpikingClassifier, "training_step", 6)
VALIDATION = (SpikingClassifier, "validation_step", 5)  # two are the sanity check's
TEST = (SpikingClassifier, "test_step", 1)


@pytest.mark.parametrize(
    ("where", "sent", "kept", "step"),
    [
        (PHASE, signal.SIGTERM, "self_organization", 0),
        (PHASE, signal.SIGINT, "self_organization", 0),
        (EPOCHS, signal.SIGTERM, "last", 6),
        (EPOCHS, signal.SIGINT, "last", 4),  # Ctrl-C may come in the middle of a step
        (VALIDATION, signal.SIGTERM, "last", 8),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else getattr(value, "name", ""),
)
def test_the_printed_command_goes_on(monkeypatch, capsys, whole, where, sent, kept, step):
    with monkeypatch.context() as patch:
        Killed(patch, *where, sent)
        assert main(["run", "mnist_pooling", *OPTIONS]) == CODES[sent]
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("lightning-snn:")]
    assert len(said) == 1, said
    said, command = said[0].split("; resume with: lightning-snn ")
    assert said == "lightning-snn: interrupted"
    words = shlex.split(command)
    assert words[: 2 + len(OPTIONS)] == ["run", "mnist_pooling", *OPTIONS]
    (run,) = Path("runs/mnist_pooling").iterdir()
    assert words[2 + len(OPTIONS) :] == ["--ckpt_path", str(run / "checkpoints" / f"{kept}.ckpt")]
    assert torch.load(words[-1], weights_only=True)["global_step"] == step
    assert main(words) == 0
    results, weights = ended()
    assert results == whole[0]
    assert_same(weights, whole[1])


def test_interrupted_again_before_anything_was_saved(monkeypatch, capsys, whole):
    with monkeypatch.context() as patch:
        Killed(patch, *EPOCHS, signal.SIGTERM)
        main(["run", "mnist_pooling", *OPTIONS])
    words = shlex.split(capsys.readouterr().err.split("resume with: lightning-snn ")[1])
    with monkeypatch.context() as patch:
        Killed(patch, SpikingClassifier, "validation_step", 1, signal.SIGTERM)
        assert main(words) == 143
    again = shlex.split(capsys.readouterr().err.split("resume with: lightning-snn ")[1])
    assert again[:-1] == words[:-1]
    assert main(again) == 0
    assert ended()[0] == whole[0]


def test_fit_goes_on_with_the_model_of_the_checkpoint(monkeypatch, capsys, whole):
    with monkeypatch.context() as patch:
        Killed(patch, *EPOCHS, signal.SIGTERM)
        assert main(["fit", "--config", "mnist_pooling", *OPTIONS]) == 143
    words = shlex.split(capsys.readouterr().err.split("resume with: lightning-snn ")[1])
    assert words[:3] == ["fit", "--config", "mnist_pooling"]
    assert main(words) == 0
    run = max(Path("runs/mnist_pooling").iterdir())
    weights = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert_same(weights, whole[1])


def test_without_a_checkpoint_it_says_so(monkeypatch, capsys):
    Killed(monkeypatch, SpikingClassifier, "setup", 1, signal.SIGTERM)
    assert main(["fit", "--config", "mnist_pooling", *OPTIONS]) == 143
    assert "lightning-snn: interrupted; there is no checkpoint yet to go on from\n" in capsys.readouterr().err
    assert list(Path().rglob("*.ckpt")) == []


def test_compare_goes_on_with_the_run_and_the_seeds_after_it(monkeypatch, capsys):
    Killed(monkeypatch, SpontaneousWaves, "currents", 3, signal.SIGINT)
    assert main(["compare", "mnist_pooling", "--seeds=3", "--first_seed=4", *OPTIONS]) == 130
    _, run, compare = capsys.readouterr().err.split("with: lightning-snn ")
    words = shlex.split(run.split(";")[0])
    assert words[:-1] == ["run", "mnist_pooling", *OPTIONS, "--seed", "4", "--ckpt_path"]
    assert shlex.split(compare) == ["compare", "mnist_pooling", *OPTIONS, "--first_seed", "5", "--seeds", "2"]


@pytest.mark.filterwarnings("ignore:layers lgn are not wired, and these are results")
def test_a_command_that_cannot_go_on(monkeypatch, capsys):
    Killed(monkeypatch, *TEST, signal.SIGTERM)
    options = [option for option in OPTIONS if "limit_test_batches" not in option]
    assert main(["test", "--config", "mnist_pooling", *options]) == 143
    assert "lightning-snn: interrupted\n" in capsys.readouterr().err


@pytest.mark.slow
def test_the_next_command_does_not_run():
    command = [sys.executable, "-m", "lightning_snn", "run", "mnist_pooling", *OPTIONS]
    command += ["--self_organization.max_steps=100000000", "--self_organization.every_n_rounds=1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True, text=True)
    try:
        while not list(Path().rglob("self_organization.ckpt")):
            assert process.poll() is None
            time.sleep(0.1)
        process.terminate()
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 143
    assert "lightning-snn: interrupted; resume with: lightning-snn run mnist_pooling" in said
