"""How the command line reads and merges values: null, several files, recipes by name, classes of the user."""

import json
from pathlib import Path

import pytest
import yaml
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import FEW_BATCHES, QUIET, SMALL_NETWORK
from lightning.pytorch.cli import ReduceLROnPlateau

from lightning_snn import Linear
from lightning_snn.cli.main import main
from lightning_snn.cli.parser import read_yaml

pytestmark = [*OF_COMMANDS, pytest.mark.usefixtures("in_an_empty_folder", "undrawn")]

SMALL = [*QUIET, *FEW_BATCHES, "--trainer.max_epochs=2", *SMALL_NETWORK, "--model.readout=Linear"]
KINETIC = """
model:
  class_path: lightning_snn.SpikingClassifier
  init_args:
    layers:
      retina:
        lateral: {init_args: {inhibition: 3.0}}
        neuron: {class_path: lightning_snn.LIF}
      lgn:
        projection:
          class_path: lightning_snn.Dense
          init_args:
            kinetics: {class_path: lightning_snn.ExponentialCurrent, init_args: {tau: 5.0}}
            homeostasis: [{class_path: lightning_snn.WeightNormalisation, init_args: {total: 20.0}}]
    encoder: {class_path: lightning_snn.Poisson, init_args: {max_rate: 40.0}}
"""
"""What is laid over the recipe ``mnist``: one thing of each kind that may be null."""


@pytest.fixture(autouse=True)
def kinetic(tmp_path):
    (tmp_path / "kinetic.yaml").write_text(KINETIC)


def at(config, path):
    """The value at a dotted path, as the command line writes it."""
    for name in path.split("."):
        config = config.get("init_args", config)[name] if name not in config else config[name]
    return config


NULLABLE = [
    "layers.retina.lateral",
    "layers.lgn.projection.rule",
    "layers.lgn.projection.kinetics",
    "layers.lgn.projection.homeostasis",
    "encoder.seed",
    "scheduler",
]


def test_null_on_the_command_line(built):
    args = ["run", "mnist_pooling", "--config", "kinetic.yaml", *SMALL, "--model.controls=[pixels]"]
    given = built(*args).model.hparams
    assert None not in [at(given, path) for path in NULLABLE]
    for path in NULLABLE[::2]:
        args += [f"--model.{path}", "null"]
    args += [f"--model.{path}=None" for path in NULLABLE[1::2]]
    assert [at(built(*args).model.hparams, path) for path in NULLABLE] == [None] * len(NULLABLE)


def test_a_projection_of_null(capsys):
    args = ["--model.layers.lgn.projection=null"]
    assert main(["run", "mnist_pooling", *SMALL, *args]) == 2
    assert "model.layers.lgn is joined to no other layer: give it a projection" in capsys.readouterr().err


def test_null_inside_a_value(built):
    value = "{class_path: Poisson, init_args: {max_rate: 30.0, seed: null}}"
    assert (
        built("run", "mnist_pooling", *SMALL, f"--model.encoder={value}").model.encoders["retina"].stream
        is None
    )
    value = "{class_path: Izhikevich, init_args: {preset: chattering, a: null}}"
    assert built("run", "mnist_pooling", *SMALL, f"--model.layers.retina.neuron={value}").model.hparams[
        "layers"
    ]


def test_a_later_file_adds_to_an_earlier_one(built):
    Path("over.yaml").write_text(
        "model: {init_args: {layers: {lgn: {neuron: {init_args: {tau_mem: 7.0}}}}}}\n"
        "self_organization: {chunk: 50}\n"
    )
    plain = built("run", "mnist_pooling", *SMALL).model.hparams
    both = built(
        "run", "mnist_pooling", *SMALL, "--config", "over.yaml", "--config=kinetic.yaml"
    ).model.hparams
    assert list(both["layers"]) == ["retina", "lgn"]
    assert (
        both["layers"]["retina"]["init_args"]["geometry"]
        == plain["layers"]["retina"]["init_args"]["geometry"]
    )
    assert at(both, "layers.lgn.neuron.tau_mem") == 7.0
    assert at(both, "layers.lgn.projection.gain") == 40.0
    assert at(both, "layers.lgn.projection.kinetics.tau") == 5.0
    assert at(both, "layers.retina.lateral.inhibition") == 3.0
    assert at(both, "layers.retina.lateral.inhibition_range") == 5.0
    assert at(both, "layers.retina.neuron.class_path").endswith("LIF")
    assert "preset" not in at(both, "layers.retina.neuron")["init_args"]  # of the class before
    assert at(both, "encoder.max_rate") == 40.0


def test_a_run_of_several_files_runs_again_from_its_own(capsys):
    args = [
        "--config",
        "kinetic.yaml",
        "--model.encoder.seed=null",
        "--model.layers.lgn.projection.kinetics=null",
    ]
    assert main(["run", "mnist_pooling", *args, *SMALL]) == 0
    (first,) = Path("runs/mnist_pooling").iterdir()
    assert (first / "results.json").is_file()
    config = yaml.safe_load((first / "config.yaml").read_text())
    assert at(config, "model.layers.lgn.projection.kinetics") is None
    assert at(config, "model.encoder.seed") is None
    assert main(["run", str(first / "config.yaml")]) == 0
    (again,) = Path("runs/config").iterdir()
    assert yaml.safe_load((again / "config.yaml").read_text()) == config
    found = [json.loads((run / "results.json").read_text())["networks"] for run in (first, again)]
    assert found[0].keys() == found[1].keys()
    capsys.readouterr()


def test_a_recipe_by_its_name_after_an_equals_sign():
    assert main(["fit", "--config=mnist_pooling", *SMALL, "--trainer.fast_dev_run=true"]) == 0


def test_a_scheduler_that_watches_a_measure(built):
    options = {"monitor": "val/accuracy", "mode": "max", "patience": 0, "factor": 0.1}
    args = [f"--model.scheduler.{name}={value}" for name, value in options.items()]
    scheduler = ["--model.scheduler=lightning.pytorch.cli.ReduceLROnPlateau", *args]
    found = built("run", "mnist_pooling", *SMALL, *scheduler).model.configure_optimizers()["lr_scheduler"]
    assert found["monitor"] == "val/accuracy"
    assert isinstance(found["scheduler"], ReduceLROnPlateau)
    assert (found["scheduler"].patience, found["scheduler"].factor) == (0, 0.1)


@pytest.mark.parametrize("logger", ["false", "WandbLogger", "in YAML"])
def test_a_logger_of_the_trainer(capsys, logger):
    Path("logger.yaml").write_text("trainer: {logger: [wandb]}\n")
    args = ["--config=logger.yaml"] if logger == "in YAML" else [f"--trainer.logger={logger}"]
    assert main(["run", "mnist_pooling", *SMALL, *args]) == 2
    assert capsys.readouterr().err.count("trainer.logger has no effect here: give --logger") == 1
    assert not list(Path().rglob("runs/*/*"))


def test_classes_of_the_user_in_the_current_folder(built):
    Path("my_readouts_of_test_cli.py").write_text(
        "import lightning_snn\n\n\nclass Mine(lightning_snn.Linear):\n    pass\n"
    )
    model = built("run", "mnist_pooling", *SMALL, "--model.readout=my_readouts_of_test_cli.Mine").model
    assert type(model.readout).__name__ == "Mine"
    assert isinstance(model.readout, Linear)


def test_a_key_that_stands_twice(capsys):
    Path("twice.yaml").write_text("trainer:\n  max_epochs: 1\n  devices: 1\n  max_epochs: 2\n")
    assert main(["run", "mnist_pooling", "--config=twice.yaml"]) == 2
    said = capsys.readouterr().err
    assert "twice.yaml" in said
    assert "the key 'max_epochs' in line 4 stands there a second time" in said


@pytest.mark.parametrize("text", ["{a: {b: 1, c: 2, b: 3}}", "a: 1\nx: [{b: 1, b: 1}]", "'a': 1\na: 2"])
def test_keys_that_stand_twice_at_any_depth(text):
    with pytest.raises(yaml.YAMLError, match="a second time"):
        read_yaml(text)


def test_anchors_and_equal_keys_in_different_places_are_no_repetition():
    text = "a: &x {b: 1}\nc: *x\nd: {b: 2, a: 1}\ne: {<<: *x, f: 1}"
    assert read_yaml(text)["e"] == {"b": 1, "f": 1}
    assert read_yaml("") is None
    assert read_yaml("[None, 'none', 1e-3, 2024-01-01]") == [None, "none", 1e-3, "2024-01-01"]
