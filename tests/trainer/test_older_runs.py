"""A run that an older version began goes on, from its checkpoint and its configuration."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from helpers.expected_warnings import NEW_FOLDER, UNWIRED

from lightning_snn import NeuronModel, SpikingClassifier, SpikingLayer
from lightning_snn.cli.main import main
from lightning_snn.core.upgrade import upgraded, upgraded_options
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


class Own(SpikingLayer):
    """A layer of a user's that hands its arguments on."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class WithCoupling(NeuronModel):
    """A neuron model with an argument of its own by a name that layers had."""

    def __init__(self, coupling="always"):
        super().__init__()
        self.coupling = coupling


YAML = {
    "plain": "layers: {retina: {coupling: always}}",
    "a class": "layers: {retina: {class_path: lightning_snn.SpikingLayer, init_args: {coupling: always}}}",
    "a short name": "layers: {retina: {class_path: SpikingLayer, init_args: {coupling: always}}}",
    "arguments alone": "layers: {retina: {init_args: {coupling: always}}}",
}


@pytest.mark.parametrize("model", YAML.values(), ids=YAML)
def test_the_old_name_in_a_file(model, built):
    Path("older.yaml").write_text(f"model: {{init_args: {{{model}}}}}\n")
    assert built("run", "mnist", "--config=older.yaml").model.stack.bottom.lateral_active == "always"


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
    assert built("run", "mnist", *options).model.stack.bottom.lateral_active == "always"


@pytest.fixture
def mine(monkeypatch):
    """The name under which this module can be imported."""
    monkeypatch.setitem(sys.modules, "mine_of_test_older_runs", sys.modules[__name__])
    return "mine_of_test_older_runs"


def test_a_layer_of_the_users_that_hands_its_arguments_on(mine):
    given = {"bottom": {"class_path": f"{mine}.Own", "init_args": {"coupling": "development"}}}
    assert upgraded(given)["bottom"]["init_args"] == {"lateral_active": "development"}


@pytest.mark.parametrize(
    "theirs",
    [
        {"layers": {"a": {"coupling": 1}}},
        {"coupling": "sometimes"},
        {"root": "lightning_snn.runs.MNIST"},
        {"root": "lightning_snn.data._PUBLIC"},
        {"text": "lightning_snn.data of MNIST"},
        {"coupling": ["always"]},
    ],
)
def test_what_is_the_users_stays(theirs):
    assert upgraded(theirs) == theirs


def test_an_argument_of_a_class_of_the_users_by_an_old_name_stays(mine):
    theirs = {"class_path": f"{mine}.WithCoupling", "init_args": {"coupling": "always"}}
    assert upgraded({"neuron": theirs}) == {"neuron": theirs}
    options = ["--model.layers.retina.neuron.coupling=always", "--model.readout.layers.a.coupling=always"]
    assert upgraded_options(options) == options


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
    assert content["lightning_snn"]["format"] == 3
    retina = content["hyper_parameters"]["layers"]["retina"]["init_args"]
    assert retina["lateral_active"] == "development"
    assert "coupling" not in retina
    model = SpikingClassifier.load_from_checkpoint(FOLDER / "unfinished_phase.ckpt", map_location="cpu")
    assert model.stack.bottom.lateral_active == "development"


@pytest.mark.parametrize(
    ("older", "present"),
    [
        ("lightning_snn.encoding.Poisson", "lightning_snn.Poisson"),
        ("lightning_snn.plasticity.pair.PairSTDP", "lightning_snn.PairSTDP"),
        ("lightning_snn.LIF", "lightning_snn.LIF"),
        ("lightning_snn.encoding.Poison", "lightning_snn.encoding.Poison"),
        ("mine.encoding.Poisson", "mine.encoding.Poisson"),
        ("lightning_snn", "lightning_snn"),
    ],
)
def test_classes_by_the_files_that_held_them(older, present):
    assert upgraded(older) == present
    assert upgraded([{"encoder": {"class_path": older}}]) == [{"encoder": {"class_path": present}}]


def test_a_class_by_its_old_file_on_the_command_line(capsys):
    given = ["--model.encoder", "lightning_snn.encoding.Poisson", "--model.encoder.max_rate=-1"]
    assert main(["run", "mnist", *given]) == 2
    assert "model.encoder.max_rate must be a finite number above 0" in capsys.readouterr().err
