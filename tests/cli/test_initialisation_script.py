"""The script that compares initialisations of deep networks."""

import pytest
from helpers.expected_warnings import OF_COMMANDS

pytestmark = [
    *OF_COMMANDS,
    pytest.mark.filterwarnings("ignore:You defined a `validation_step`", "ignore:.*num_workers"),
    pytest.mark.usefixtures("in_an_empty_folder"),
]


@pytest.fixture
def script(load_script):
    return load_script("initialisation")


def test_what_is_chosen_is_among_what_was_tried(script):
    tried = script.CANDIDATES | {"default": (1.0,)}
    for name, (number, rate) in script.CHOSEN.items():
        assert number in tried[name], name
        assert rate in script.RATES, name


def test_one_layer_learns_in_an_epoch(script):
    found = script.run(script.OURS, 0.5, 0.008, 1, [1], 0, "validate")
    assert found.keys() == {1}
    assert 50 < found[1] < 100


def test_the_table_has_paired_differences(script):
    found = {"LSUV": [{1: 50.0}, {1: 52.0}], script.OURS: [{1: 60.0}, {1: 64.0}]}
    assert script.table(found, [1]).splitlines() == [
        "| initialisation | epoch 1 | self-organised minus this |",
        "| --- | --- | --- |",
        "| LSUV | 51.0 (1.4) | +11.0 ± 12.7 |",
        "| self-organised | 62.0 (2.8) |  |",
    ]
    assert script.table({name: runs[:1] for name, runs in found.items()}, [1]).splitlines()[2] == (
        "| LSUV | 50.0 | +10.0 |"
    )
