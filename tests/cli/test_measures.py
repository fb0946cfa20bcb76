"""What the command measures beside the test on clean images, and what it says of wrong options for it."""

import csv
import json
from pathlib import Path

import pytest
import yaml
from helpers.commands import failure, run_in
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import QUIET, SMALL, SMALL_NETWORK

from lightning_snn.cli.main import main
from lightning_snn.cli.recipes import find_recipe

pytestmark = [pytest.mark.usefixtures("in_an_empty_folder"), *OF_COMMANDS]

TRIAL = [*QUIET, *SMALL_NETWORK, "--trainer.fast_dev_run=true", "--model.controls=[]"]
SHIFTS = (
    "{shifted: [{class_path: Shift, init_args: {pixels: 2}}, {class_path: Shift, init_args: {pixels: 4}}]}"
)
MEASURED = [f"--data.perturbations={SHIFTS}", "--model.few_labels=[100, 30]", "--model.controls=[pixels]"]


@pytest.fixture
def written():
    """``written(data, model)``: a file with other arguments of the data and the model of ``mnist``."""

    def write(data, model):
        recipe = yaml.safe_load(find_recipe("mnist_pooling").read_text())
        recipe["data"]["init_args"] |= data
        recipe["model"]["init_args"] |= model
        Path("mine.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False))
        return "mine.yaml"

    return write


def scores(folder):
    """The scores of the test in ``metrics.csv``."""
    rows = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    return {key: value for row in rows for key, value in row.items() if key.startswith("test") and value}


def test_a_run_and_a_test_from_its_checkpoint_measure_the_same(tmp_path, capsys, undrawn):  # noqa: ARG001
    run = run_in(tmp_path, "mnist_pooling", *SMALL, *MEASURED)
    printed = capsys.readouterr().out
    heading = next(line for line in printed.splitlines() if "network" in line)
    assert [cell.strip() for cell in heading.strip("┃ ").split("┃")] == [
        "network", "clean", "shifted", "100 labels",
    ]  # fmt: skip
    assert "localised" in printed
    rows = json.loads((run / "results.json").read_text())["networks"]
    assert rows["pixels"].keys() >= {"accuracy", "shifted", "shifted_4", "100_labels", "30_labels/macro_f1"}
    kept = [option for option in MEASURED if option.startswith("--data")]
    small = [option for option in SMALL if not option.startswith(("--model", "--self"))]
    checkpoint = f"--ckpt_path={run / 'checkpoints' / 'last.ckpt'}"
    assert main(["test", "--config=mnist_pooling", checkpoint, *small, *kept]) == 0
    (other,) = set((tmp_path / "runs" / "mnist_pooling").iterdir()) - {run}
    found = scores(other)
    assert found == scores(run)
    for name, stage in {
        "accuracy": "test",
        "shifted_4": "test_shifted_4",
        "30_labels": "test_30_labels",
    }.items():
        assert float(found[f"{stage}/accuracy_pixels"]) == pytest.approx(rows["pixels"][name])


PLACES = ("option", "file")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("data", "model", "expected"),
    [
        ({"perturbations": ["shiftd"]}, {}, "data.perturbations must be one of 'shifted', 'noise', "),
        (
            {"perturbations": {"shifted": {"class_path": "Shiftt"}}}, {},
            "data.perturbations.shifted: there is no class 'Shiftt' (did you mean lightning_snn.Shift?)",
        ),
        (
            {"perturbations": {"shifted": {"class_path": "Shift", "init_args": {"pixels": 0}}}}, {},
            "data.perturbations.shifted.pixels must be a whole number above 0, got 0",
        ),
        (
            {"perturbations": {"covered": {"class_path": "Occlusion", "init_args": {"size": 29}}}}, {},
            "data.perturbations.covered.size must be at most 28 for images of this size, got 29",
        ),
        ({"perturbations": {"moved": 3}}, {}, "data.perturbations.moved must be a Perturbation"),
        ({}, {"few_labels": "many"}, "model.few_labels must be a whole number"),
        ({}, {"few_labels": [9, 5000]}, "few_labels must be at most 3600, the training images, got 5000"),
        ({}, {"controls": ["randm"]}, "model.controls must be one of 'random', "),
        ({}, {"controls": {"mine": {"kind": "randm"}}}, "must be one of 'random', "),
    ],
)  # fmt: skip
def test_a_wrong_value(capsys, written, place, data, model, expected):
    given = {f"data.{k}": v for k, v in data.items()} | {f"model.{k}": v for k, v in model.items()}
    options = [f"--{key}={json.dumps(value)}" for key, value in given.items()]
    trial = [option for option in TRIAL if "controls" not in option or "controls" not in model]
    recipe = ["mnist_pooling"] if place == "option" else [written(data, model)]
    assert expected in failure(capsys, "run", *recipe, *trial, *(options if place == "option" else []))
