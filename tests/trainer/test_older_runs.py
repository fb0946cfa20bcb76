"""A run that an older version began goes on, from its checkpoint and its configuration."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from helpers.expected_warnings import NEW_FOLDER, UNWIRED

from lightning_snn import SpikingClassifier
from lightning_snn.cli.main import main
from lightning_snn.trainer.checkpoint_format import translate

FOLDER = Path(__file__).parent / "format_2"
"""An unfinished phase, the configuration of its run, and what that run came to without an interruption."""

pytestmark = [UNWIRED, NEW_FOLDER, pytest.mark.usefixtures("in_an_empty_folder")]


def test_it_comes_to_the_same():
    shutil.copy(FOLDER / "config.yaml", "older.yaml")
    assert main(["run", "older.yaml", "--ckpt_path", str(FOLDER / "unfinished_phase.ckpt")]) == 0
    (path,) = Path("runs").glob("*/*/results.json")
    found = json.loads(path.read_text())["networks"]
    expected = json.loads((FOLDER / "results.json").read_text())["networks"]
    assert found.keys() == expected.keys()
    for name, scores in expected.items():
        assert found[name] == pytest.approx(scores, abs=1e-6)
    assert "lateral_active: development" in path.with_name("config.yaml").read_text()


YAML = {
    "plain": "layers: {retina: {coupling: always}}",
    "a class": "layers: {retina: {class_path: lightning_snn.SpikingLayer, init_args: {coupling: always}}}",
    "a short name": "layers: {retina: {class_path: SpikingLayer, init_args: {coupling: always}}}",
    "arguments alone": "layers: {retina: {init_args: {coupling: always}}}",
}


@pytest.mark.parametrize("model", YAML.values(), ids=YAML)
def test_the_old_name_in_a_file(model, built):
    Path("older.yaml").write_text(f"model: {{init_args: {{{model}}}}}\n")
    assert (
        built("run", "mnist", "--config=older.yaml").model.network.layer("retina").lateral_active == "always"
    )


@pytest.mark.parametrize(
    "options",
    [
        ["--model.layers.retina.coupling", "always"],
        ["--model.layers.retina.coupling=always"],
        ["--model.layers.retina.init_args.coupling=always"],
        ["--model.layers.retina", "{coupling: always}"],
        ["--model.layers={retina: {coupling: always}}", "--model.controls=[]"],
        ["--model.layers=layers.yaml", "--model.controls=[]"],
    ],
)
def test_the_old_name_on_the_command_line(options, built):
    Path("layers.yaml").write_text("retina: {coupling: always}\n")
    assert built("run", "mnist", *options).model.network.layer("retina").lateral_active == "always"


def test_a_format_2_module_without_a_seed_gets_none():
    content = {
        "lightning_snn": {"format": 2, "version": "0.1.0"},
        "state_dict": {},
        "hyper_parameters": {"_class_path": "mine.NoSeed", "layers": {"a": {"coupling": "always"}}},
    }
    assert translate(content)
    present = {"layers": {"a": {"lateral_active": "always"}}}
    assert content["hyper_parameters"] == {"_class_path": "mine.NoSeed"} | present
    assert content["state_dict"] == {}


def test_its_layers_have_the_present_names():
    content = torch.load(FOLDER / "unfinished_phase.ckpt", weights_only=True)
    assert translate(content)
    assert content["lightning_snn"]["format"] == 4
    retina = content["hyper_parameters"]["layers"]["retina"]["init_args"]
    assert retina["lateral_active"] == "development"
    assert "coupling" not in retina
    model = SpikingClassifier.load_from_checkpoint(FOLDER / "unfinished_phase.ckpt", map_location="cpu")
    assert model.network.layer("retina").lateral_active == "development"


def test_a_class_by_its_old_file_on_the_command_line(capsys):
    given = ["--model.encoder", "lightning_snn.encoding.Poisson", "--model.encoder.max_rate=-1"]
    assert main(["run", "mnist", *given]) == 2
    assert "model.encoder.max_rate must be a finite number above 0" in capsys.readouterr().err
