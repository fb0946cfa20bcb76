"""The script that runs the recipe ``mnist`` on other layouts."""

import importlib
from pathlib import Path

import pytest
import torch
import yaml
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import SHORT, SMALL_COLUMNS, SMALL_RETINA

import lightning_snn as snn
from lightning_snn.core.config import class_at

pytestmark = [
    *OF_COMMANDS,
    pytest.mark.usefixtures("in_an_empty_folder", "undrawn"),
]

DISK = {"class_path": "lightning_snn.Disk", "init_args": {"num_nodes": 160, "radius": 6.5}}
OF_COLUMNS = [option for option in SMALL_COLUMNS if option not in SMALL_RETINA]
SMALL = [*SHORT, *OF_COLUMNS, "--trainer.max_epochs=1"]


@pytest.fixture
def script(load_script):
    return load_script("layouts")


def test_every_layout_has_the_density_of_the_recipe(script):
    sheets = {
        name: class_at(layout["class_path"])(**layout["init_args"])
        for name, layout in script.layouts().items()
    }
    kinds = {name: type(sheet) for name, sheet in sheets.items()}
    assert kinds == {
        "square": snn.Square,
        "disk": snn.Disk,
        "ring": snn.Disk,
        "torus": snn.Torus,
        "L of points": importlib.import_module("ell").Ell,
    }
    assert issubclass(kinds["L of points"], snn.Points)
    areas = {"square": 784, "disk": 784, "torus": 784, "L of points": 588}
    areas["ring"] = torch.pi * (script.RADIUS**2 - script.HOLE**2)
    for name, sheet in sheets.items():
        assert sheet.num_nodes / areas[name] == pytest.approx(script.DENSITY, rel=0.05), name


def test_a_layout_runs_without_a_word_on_the_sheet_it_replaces(script, capsys, recwarn):
    found = script.run(DISK, 1, SMALL)
    assert "discard" not in capsys.readouterr().err
    assert [str(warned.message) for warned in recwarn if "discard" in str(warned.message).lower()] == []
    assert found["network"].keys() > {"accuracy", "shifted", "fields/localised_share"}
    (run,) = Path("runs/mnist").iterdir()
    config = yaml.safe_load((run / "config.yaml").read_text())
    layers = config["model"]["init_args"]["layers"]
    sheet = layers["retina"]["init_args"]["geometry"]
    assert sheet["class_path"] == DISK["class_path"]
    assert sheet["init_args"].items() > DISK["init_args"].items()
    assert config["seed_everything"] == 1
    assert script.run(DISK, 0, SMALL) != found  # of the newest run


def test_the_table(script):
    fields = {"fields/localised_share": 1.0}
    runs = [
        {"network": {"accuracy": a, "shifted": a / 2} | fields, "raw": {"accuracy": a, "shifted": a}}
        for a in (0.5, 0.7)
    ]
    assert script.table({"disk": runs}).splitlines() == [
        "| layout | localised | network: clean, shifted | raw: clean, shifted |",
        "| --- | --- | --- | --- |",
        "| disk | 100.0 | 60.0, 30.0 | 60.0, 60.0 |",
    ]
    clean = [{"network": {"accuracy": 0.5} | fields}]
    assert script.table({"disk": clean}).splitlines()[-1] == "| disk | 100.0 | 50.0 |"
