"""The scripts that run the recipes ``randman`` and ``mnist_finetuned`` beside their controls."""

import pytest
from helpers.expected_warnings import OF_COMMANDS

from lightning_snn import Linear

pytestmark = [
    *OF_COMMANDS,
    pytest.mark.usefixtures("in_an_empty_folder"),
]


def test_controls_of_randman_see_no_times(load_script, built):
    randman = load_script("randman")
    times, chance, counts = (built("run", "randman", *options) for options in randman.NETWORKS.values())
    assert times.data.timing
    assert not chance.data.timing
    assert chance.model.read_from == times.model.read_from == "hidden"
    assert counts.model.read_from == "units"
    assert isinstance(counts.model.readout, Linear)
    assert counts.model.hparams["loss"]["class_path"] == "lightning_snn.CrossEntropy"


def test_table_of_randman(load_script):
    found = {"spike times": {3.0: [99.0, 100.0], 2.0: [90.0, 90.0], 1.0: [50.0, 52.0]}}
    assert (
        load_script("randman").table(found).splitlines()[-1]
        == "| spike times | 99.5 ± 0.5 | 90.0 ± 0.0 | 51.0 ± 1.0 |"
    )


def command(folder, script, start, labels, rate=0.05):
    given = script.options_of(start, labels, rate, folder / "start.yaml")
    return ["run", "mnist_finetuned", *given, f"--data.root={folder}"]


def test_every_start_is_the_same_network_with_other_weights(load_script, built, tmp_path):
    finetuning = load_script("finetuning")
    models = {start: built(*command(tmp_path, finetuning, start, 100)).model for start in finetuning.STARTS}
    assert {start for start, model in models.items() if model.network.learned} == {finetuning.OWN}
    given = {start: model.hparams["initialisation"] for start, model in models.items()}
    assert given["fluctuation-driven"]["class_path"] == "lightning_snn.FluctuationDriven"
    assert given[finetuning.OWN] is given["random"] is None
    shapes = {
        start: {name: p.shape for name, p in model.named_parameters()} for start, model in models.items()
    }
    assert all(shape == shapes[finetuning.OWN] for shape in shapes.values())


def test_readout_first_where_few_have_labels(load_script, built, tmp_path):
    finetuning = load_script("finetuning")
    few, whole = (built(*command(tmp_path, finetuning, finetuning.OWN, labels)) for labels in (100, 55000))
    assert list(few.model.plan.phases) == ["readout", "all"]
    assert list(whole.model.plan.phases) == ["all"]
    assert (few.data.labels, whole.data.labels) == (100, 55000)
    assert (few.trainer.max_epochs, whole.trainer.max_epochs) == (300, 3)
    assert whole.model.plan.phases["all"].lr == {"features": 0.05, "readout": 0.002}


def test_a_readout_alone_takes_all_epochs(load_script, built, tmp_path):
    finetuning = load_script("finetuning")
    (phase,) = built(*command(tmp_path, finetuning, finetuning.OWN, 100, None)).model.plan.phases.values()
    assert (phase.train, phase.epochs) == (["readout"], None)


def test_table_of_finetuning(load_script):
    script = load_script("finetuning")
    own, other = script.Scores(0.1, [85.0], [84.0]), script.Scores(0.01, [80.0], [])
    line = script.row("random", 100, other, own)
    assert line == "| 100 | random | - | 0.01 | 80.0 ± 0.0 | +5.0 |"
    assert script.row(script.OWN, 100, own, own).endswith("| 84.0 ± 0.0 | 0.1 | 85.0 ± 0.0 | - |")
