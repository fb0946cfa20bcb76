"""The script that trains one network with each loss."""

import pytest
from helpers.expected_warnings import OF_COMMANDS

pytestmark = [
    *OF_COMMANDS,
    pytest.mark.filterwarnings("ignore:You defined a `validation_step`", "ignore:.*num_workers"),
    pytest.mark.usefixtures("in_an_empty_folder"),
]


def test_a_loss_learns_in_an_epoch(load_script):
    script = load_script("losses")
    assert 50 < script.accuracy(*script.CASES["StepCrossEntropy()"], seed=0, epochs=1) < 100
