"""A run that an older version began goes on, from its checkpoint and its configuration."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from helpers.commands import draw_nothing, failure
from helpers.expected_warnings import NEW_FOLDER, UNWIRED

from lightning_snn import SpikingClassifier
from lightning_snn.cli.main import main
from lightning_snn.core.settings import check_same_settings
from lightning_snn.core.time import mean_of_decay
from lightning_snn.trainer.checkpoint_format import translate

FOLDER = Path(__file__).parent / "format_2"
"""An unfinished phase, the configuration of its run, and what that run came to without an interruption."""

STACKED = Path(__file__).parent / "format_3"
"""Likewise, of pooling and neurons that inhibit each other."""

pytestmark = [UNWIRED, NEW_FOLDER, pytest.mark.usefixtures("in_an_empty_folder")]


CONDUCTANCES = {
    "layers.excitatory.projection.gain": 1.0 / mean_of_decay(1.0, 1.0),
    "connections.excitatory_lateral.projection.strength": 60.0 / mean_of_decay(2.0, 1.0),
}
"""What a weight has to be where a conductance was held at its value after a spike, not at its mean."""


@pytest.mark.parametrize(("folder", "factors"), [(FOLDER, {}), (STACKED, CONDUCTANCES)], ids=["2", "3"])
def test_it_comes_to_the_same(folder, factors, monkeypatch):
    draw_nothing(monkeypatch)
    options = [f"--model.{key}={value}" for key, value in factors.items()]
    check_same_run(folder, "--ckpt_path", str(folder / "unfinished_phase.ckpt"), *options)


def test_a_run_that_goes_on_is_told_what_a_weight_has_to_be(capsys):
    shutil.copy(STACKED / "config.yaml", "older.yaml")
    said = failure(capsys, "run", "older.yaml", "--ckpt_path", str(STACKED / "unfinished_phase.ckpt"))
    assert f"model.layers.excitatory.projection.gain: {1 / mean_of_decay(1.0, 1.0)} there, 1.0 here" in said


def test_a_configuration_of_a_stack_comes_to_the_same(monkeypatch):
    draw_nothing(monkeypatch)
    check_same_run(STACKED, *(f"--model.{key}={value}" for key, value in CONDUCTANCES.items()))


def check_same_run(folder, *options):
    shutil.copy(folder / "config.yaml", "older.yaml")
    assert main(["run", "older.yaml", *options]) == 0
    (path,) = Path("runs").glob("*/*/results.json")
    found = json.loads(path.read_text())["networks"]
    expected = json.loads((folder / "results.json").read_text())["networks"]
    assert found.keys() == expected.keys()
    for name, scores in expected.items():
        assert found[name] == pytest.approx(scores, abs=1e-6)
    written = path.with_name("config.yaml").read_text()
    assert ("lateral_active: development" if folder is FOLDER else "input: inhibition") in written


YAML = {
    "plain": "layers: {retina: {coupling: always}}",
    "a class": "layers: {retina: {class_path: lightning_snn.SpikingLayer, init_args: {coupling: always}}}",
    "a short name": "layers: {retina: {class_path: SpikingLayer, init_args: {coupling: always}}}",
    "arguments alone": "layers: {retina: {init_args: {coupling: always}}}",
}


@pytest.mark.parametrize("model", YAML.values(), ids=YAML)
def test_the_old_name_in_a_file(model, built):
    Path("older.yaml").write_text(f"model: {{init_args: {{{model}}}}}\n")
    model = built("run", "mnist_pooling", "--config=older.yaml").model
    assert model.network.layer("retina").lateral_active == "always"


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
    assert built("run", "mnist_pooling", *options).model.network.layer("retina").lateral_active == "always"


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
    assert content["lightning_snn"]["format"] == 5
    retina = content["hyper_parameters"]["layers"]["retina"]["init_args"]
    assert retina["lateral_active"] == "development"
    assert "coupling" not in retina
    model = SpikingClassifier.load_from_checkpoint(FOLDER / "unfinished_phase.ckpt", map_location="cpu")
    assert model.network.layer("retina").lateral_active == "development"


def test_a_class_by_its_old_file_on_the_command_line(capsys):
    given = ["--model.encoder", "lightning_snn.encoding.Poisson", "--model.encoder.max_rate=-1"]
    assert main(["run", "mnist_pooling", *given]) == 2
    assert "model.encoder.max_rate must be a finite number above 0" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["neuron.inhibition=60", "neuron.init_args.inhibition=60"])
def test_inhibition_of_neurons_on_the_command_line(option, capsys):
    said = failure(capsys, "run", "diehl_cook", f"--model.layers.excitatory.{option}")
    assert "it is a connection of the layer to itself, model.connections.NAME with input: inhibition" in said


def test_inhibition_of_neurons_in_a_file_that_changes_a_layer(capsys):
    neuron = "{class_path: lightning_snn.ConductanceLIF, init_args: {inhibition: 5.0}}"
    Path("some.yaml").write_text(f"model: {{init_args: {{layers: {{excitatory: {{neuron: {neuron}}}}}}}}}\n")
    said = failure(capsys, "run", "diehl_cook", "--config=some.yaml")
    assert "ConductanceLIF has no argument 'inhibition' any more" in said


@pytest.mark.parametrize("step", ["0.5", "1.0"])
def test_a_step_is_the_same_wherever_it_was_given(step):
    theirs = {"layers": {"a": {"neuron": {"dt": float(step)}, "projection": {"rule": {"dt": float(step)}}}}}
    ours = {"layers": {"a": {"neuron": {"dt": None}, "projection": {"rule": {"dt": None}}}}}
    check_same_settings(theirs | {"dt": None}, ours | {"dt": float(step)}, of="model", free=())
    with pytest.raises(ValueError, match=r"model\.layers\.a\.neuron\.dt: .* there, 2\.0 here"):
        check_same_settings(theirs | {"dt": None}, ours | {"dt": 2.0}, of="model", free=())
