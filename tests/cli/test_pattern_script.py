"""The script that runs the recipe ``pattern`` beside its controls."""

import importlib
import sys

import pytest
from helpers.expected_warnings import OF_COMMANDS

from lightning_snn.cli.recipes import recipe_folder

pytestmark = [
    pytest.mark.skipif(not (recipe_folder() / "pattern.py").is_file(), reason="not a checkout"),
    *OF_COMMANDS,
    pytest.mark.usefixtures("in_an_empty_folder"),
]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(recipe_folder()))
    yield importlib.import_module("pattern")
    del sys.modules["pattern"]


def test_controls_are_shown_the_pattern_as_often_and_differ_in_what_learns(script, built):
    runs = {name: built("run", "pattern", *options) for name, options in script.NETWORKS.items()}
    assert {run.trainer.max_epochs for run in runs.values()} == {16}
    rules = {name: type(run.model.learner).__name__ for name, run in runs.items()}
    assert {name for name, rule in rules.items() if rule == "NoneType"} == {
        name for name in runs if not name.startswith("e-prop")
    }
    alone = {name for name, run in runs.items() if not run.model.plan.phases["all"].trains("recurrent")}
    assert alone == {name for name in runs if name.startswith("readout alone")}


def test_the_error_of_a_run_is_read_from_its_results(script):
    few = ["--data.repeats=1", "--trainer.max_epochs=13"]
    assert 0 < script.run(0, few) < 100


def test_a_row_says_mean_and_spread(script):
    assert script.row("e-prop", [0.02, 0.04], 60.4) == "| e-prop | 0.030 (0.020 to 0.040) | 60 |"
