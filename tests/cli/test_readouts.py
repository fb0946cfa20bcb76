"""Readouts as the command line and files give them: penalties, and those of controls."""

from pathlib import Path

import pytest
from helpers.commands import failure, run_in
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import SMALL
from helpers.tensors import assert_same

from lightning_snn import MLP, Ridge, SpikingClassifier
from lightning_snn.cli.main import main

pytestmark = [*OF_COMMANDS, pytest.mark.usefixtures("in_an_empty_folder", "undrawn")]

RIDGE = "--model.readout=Ridge"
WITH_MLP = """
model:
  class_path: lightning_snn.SpikingClassifier
  init_args:
    readout: {class_path: lightning_snn.Ridge}
    control_readouts: {pixels: {class_path: lightning_snn.MLP, init_args: {num_hidden: 50}}}
"""
OPTION = "{pixels: {class_path: lightning_snn.MLP, init_args: {num_hidden: 50}}}"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("0", "penalty must be a finite number above 0, got 0"),
        ("[1, 0.1]", "penalty must be a number, or several in ascending order, got [1.0, 0.1]"),
        ("[0.1, 0.1]", "penalty must be a number, or several in ascending order, got [0.1, 0.1]"),
        ("[]", "penalty must be a number, or several in ascending order, got []"),
        ("[0.1, -1]", "penalty must be a finite number above 0, got -1"),
    ],
)
def test_a_wrong_penalty(capsys, given, message):
    said = failure(capsys, "run", "mnist_pooling", *SMALL, RIDGE, "--model.readout.penalty", given)
    assert message in said
    assert "model.readout" in said


@pytest.mark.parametrize(("given", "candidates"), [("0.2", [0.2]), ("[0.1, 1]", [0.1, 1.0]), (None, None)])
def test_a_penalty_or_several(built, given, candidates):
    options = [] if given is None else [f"--model.readout.penalty={given}"]
    model = built("run", "mnist_pooling", *SMALL, RIDGE, *options).model
    assert model.readout.candidates == (candidates or Ridge(2, 2).candidates)


def is_mixed(model):
    hidden = model.readouts["pixels"]
    assert isinstance(hidden, MLP)
    assert len(next(hidden.parameters())) == 50
    return all(isinstance(r, Ridge) for name, r in model.readouts.items() if name != "pixels")


@pytest.mark.parametrize("way", ["file", "option"])
def test_a_control_with_a_readout_of_its_own(built, way):
    Path("mine.yaml").write_text(WITH_MLP)
    options = ["--config=mine.yaml"] if way == "file" else [RIDGE, f"--model.control_readouts={OPTION}"]
    assert is_mixed(built("run", "mnist_pooling", *SMALL, *options).model)


def test_it_comes_back_from_the_checkpoint_and_from_the_saved_configuration(tmp_path, capsys):
    Path("mine.yaml").write_text(WITH_MLP)
    run = run_in(tmp_path, "mnist_pooling", "--config=mine.yaml", *SMALL, drawn=False)
    loaded = SpikingClassifier.load_from_checkpoint(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert is_mixed(loaded)
    capsys.readouterr()
    assert main(["run", str(run / "config.yaml")]) == 0
    assert "raw pixels" in capsys.readouterr().out
    (path,) = set(tmp_path.glob("runs/*/*/checkpoints/last.ckpt")) - {run / "checkpoints" / "last.ckpt"}
    again = SpikingClassifier.load_from_checkpoint(path, weights_only=True)
    assert is_mixed(again)
    assert_same(again.state_dict(), loaded.state_dict())


def test_a_control_that_is_not_there(capsys):
    option = OPTION.replace("pixels", "raw")
    said = failure(capsys, "run", "mnist_pooling", *SMALL, f"--model.control_readouts={option}")
    assert "control_readouts must be one of grid, pixels, random, got 'raw'" in said
