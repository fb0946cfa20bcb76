"""The script that trains one network with each loss."""

import importlib
import sys

import pytest
from helpers.expected_warnings import OF_COMMANDS

from lightning_snn.cli.recipes import recipe_folder

pytestmark = [
    pytest.mark.skipif(not (recipe_folder() / "losses.py").is_file(), reason="not a checkout"),
    *OF_COMMANDS,
    pytest.mark.filterwarnings("ignore:You defined a `validation_step`", "ignore:.*num_workers"),
    pytest.mark.usefixtures("in_an_empty_folder"),
]


def test_a_loss_learns_in_an_epoch(monkeypatch):
    monkeypatch.syspath_prepend(str(recipe_folder()))
    script = importlib.import_module("losses")
    del sys.modules["losses"]
    assert 50 < script.accuracy(*script.CASES["StepCrossEntropy()"], seed=0, epochs=1) < 100
