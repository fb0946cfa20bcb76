"""The script that runs the recipe ``pattern`` beside its controls."""

import pytest
from helpers.expected_warnings import OF_COMMANDS

pytestmark = [
    *OF_COMMANDS,
    pytest.mark.filterwarnings("ignore:figure", "ignore:.*num_workers", "ignore:The number of training"),
    pytest.mark.usefixtures("in_an_empty_folder"),
]


@pytest.fixture
def script(load_script):
    return load_script("pattern")


def test_controls_differ_from_the_recipe_in_what_learns(script, built):
    names = ["readout alone, at the gains best for it", "e-prop, random feedback"]
    fixed, random = (built("run", "pattern", *script.NETWORKS[name]).model for name in names)
    assert fixed.learner is None
    assert not fixed.plan.phases["all"].trains("recurrent")
    assert fixed.plan.phases["all"].trains("readout")
    assert random.hparams["learning"]["init_args"]["feedback"] == "random"


def test_the_error_of_a_run_is_read_from_its_results(script):
    short = [f"--model.phases.{phase}.epochs=1" for phase in ("all", "readout")]
    assert 0 < script.run(0, ["--data.repeats=1", "--trainer.max_epochs=2", *short]) < 100


def test_a_row_says_mean_and_spread(script):
    assert script.row("e-prop", [0.02, 0.04], 60.4) == "| e-prop | 0.030 (0.020 to 0.040) | 60 |"
