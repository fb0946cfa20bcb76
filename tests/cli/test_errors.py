"""Mistakes take one sentence with the key, exit code 2; faults of ours keep their traceback, exit code 1."""

from pathlib import Path

import pytest
import torch
import yaml
from helpers.small_runs import QUIET, SMALL_SHEETS

from lightning_snn.cli.faults import is_mistake
from lightning_snn.cli.main import main
from lightning_snn.cli.recipes import find_recipe

SMALL = [
    *QUIET,
    "--trainer.fast_dev_run=true",
    *SMALL_SHEETS,
    "--model.encoder.num_steps=5",
    "--model.controls=[]",
    "--data.eval_batch_size=50",
]


pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


@pytest.fixture(autouse=True)
def no_tracebacks(monkeypatch):
    monkeypatch.delenv("LIGHTNING_SNN_DEBUG", raising=False)


def mistake(capsys, *args):
    """The one sentence with which a command fails."""
    code = main(["run", *args])
    said = capsys.readouterr().err
    assert code == 2, said
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines() if line.startswith("lightning-snn:")]
    assert said.rstrip().endswith(line)
    assert len(line) < 420
    for raw in ("typing.", "<class", "Got value", "Namespace(", "init_args.", "NestedArg"):
        assert raw not in line
    return line.removeprefix("lightning-snn: ")


LGN = "model.layers.lgn"


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (f"--{LGN}.neuron.learn=[nonsense]", f"{LGN}.neuron.learn must be one of "),
        (f"--{LGN}.neuron.surrogate=no.such", f"{LGN}.neuron.surrogate must be importable (ModuleNotFound"),
        (f"--{LGN}.neuron.tau_mem=[3.0,4.0]", f"{LGN}.neuron.tau_mem must hold 1 or "),
        ("--loger=csv", "there is no key loger (did you mean logger?)"),
        ("--trainer.epochs=3", "there is no key trainer.epochs (did you mean trainer."),
        ("--self_organization.max_step=3", "did you mean self_organization.max_steps?"),
        ("nonsense", "'nonsense' is no option"),
        ("--model.encoder.num_steps", "an option that begins with --model has no value"),
        ("--trainer=null", "trainer must hold arguments by name, got 'null'"),
        ("--trainer.devices=x", "trainer.devices: "),
        ("--trainer.accelerator=gpuu", "trainer.accelerator: "),
        ("--trainer.max_time=abc", "trainer.max_time: "),
        ("--trainer.max_epochs=many", "trainer.max_epochs must be a whole number, got 'many'"),
        ("--seed=x", "seed must be a whole number, got 'x'"),
        ("--seed=-1", "seed must lie between 0 and 4294967295, got -1"),
        ("--seed_everything=-1", "seed_everything must lie between 0 and 4294967295, got -1"),
        ("--logger=[csv,wandbb]", "logger must be one of 'csv', 'tensorboard', 'wandb', got 'wandbb'"),
        (f"--{LGN}.neuron=lif", f"{LGN}.neuron: there is no class 'lif' (did you mean lightning_snn.LIF?)"),
        (
            f"--{LGN}.neuron=lightning_snn.Square",
            f"{LGN}.neuron must be a NeuronModel, got 'lightning_snn.Square'",
        ),
        (f"--{LGN}.neuron=nowhere.LIF", f"{LGN}.neuron: there is no module 'nowhere'"),
        (f"--{LGN}.neuron=torch.nn.Relu", "torch.nn has no class 'Relu' (did you mean torch.nn.ReLU?)"),
        (f"--{LGN}.neuron=decimal.decimall", "decimal has no class 'decimall' (did you mean decimal.Decimal"),
        (f"--{LGN}.neuron.tau_mem=abc", f"{LGN}.neuron.tau_mem must be a number or a list, got 'abc'"),
        (f"--{LGN}.projection.gain=x", f"{LGN}.projection.gain must be a number, got 'x'"),
        (f"--{LGN}.projection.rule.treshold=3", "STDP has no argument 'treshold' (did you mean threshold?)"),
        (f"--{LGN}.geometry.num_nodes=null", f"{LGN}.geometry.num_nodes is missing"),
        (f"--{LGN}.geometry=Disk", f"{LGN}.geometry.radius is missing"),
        (
            f"--{LGN}.geometry={{class_path: Disk, init_args: {{num_nodes: 9}}}}",
            f"{LGN}.geometry.radius is missing",
        ),
        (f"--{LGN}=null", f"{LGN} must be a SpikingLayer (the path of a class, or its arguments), got None"),
        ("--model.layers.lgm.neuron=LIF", "model.layers.lgm.geometry is missing"),
        ("--model.readout=lightning_snn.LIF", "model.readout must be a Readout, got 'lightning_snn.LIF'"),
        ("--model.optimizer.lr=fast", "model.optimizer.lr must be a number, got 'fast'"),
        ("--model.optimizer.lrr=1", "model.optimizer.lrr: Adam has no argument 'lrr' (did you mean lr?)"),
        ("--model.scheduler=torch.optim.lr_scheduler.StepLR", "model.scheduler.step_size is missing"),
        ("--model.image_size=[28]", "model.image_size must be a list of 2 or 3 values, got [28]"),
        ("--model.num_classes=1", "model.num_classes must be 2 or above, got 1"),
        ("--self_organization.stimulus={lgn: Image", "self_organization.stimulus: there is no class"),
        (f"--{LGN}.geometry.num_nodes={10**13}", f"the largest value is {LGN}.geometry.num_nodes: {10**13}"),
    ],
)
def test_an_option(capsys, option, expected):
    assert expected in mistake(capsys, "mnist_pooling", option)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("loger", "csv", "wrong.yaml: there is no key loger (did you mean logger?)"),
        ("modle", {}, "wrong.yaml: there is no key modle (did you mean model?)"),
        ("trainer.epochs", {}, "wrong.yaml: there is no key trainer.epochs"),
        ("trainer", None, "trainer must hold arguments by name, got None"),
        ("trainer", "cpu", "trainer must hold arguments by name, got 'cpu'"),
        ("self_organization", [], "self_organization must hold arguments by name, got []"),
        ("model", [], "model must be a LightningModule"),
        ("data", None, "data is missing"),
        ("model.init_args.layers", [1], "model.layers must be names with values, got '[1]'"),
        (
            "model.init_args.layers.lgn",
            "LIF",
            f"{LGN}: there is no class 'LIF' (did you mean lightning_snn.LIF?)",
        ),
        ("model.init_args.layers.lgn.geometry", None, f"{LGN}.geometry is missing"),
        (
            "model.init_args.layers.lgn.geometry.init_args.side",
            "wide",
            f"{LGN}.geometry.side must be a number",
        ),
        (
            "model.init_args.layers.lgn.neuron.class_path",
            "lightning_snn.Lif",
            f"{LGN}.neuron: there is no class",
        ),
        ("model.init_args.layers.lgn.neurn", {"a": 1}, f"{LGN}: SpikingLayer has no argument 'neurn'"),
        ("model.init_args.layers.lgn.neurn", {}, f"there is no key {LGN}.neurn"),
        (
            "model.init_args.layers.lgn.projection.init_args.gain",
            "x",
            f"{LGN}.projection.gain must be a number",
        ),
        ("model.init_args.readout", 5, "model.readout must be the path of a class"),
        ("trainer.callbacks", [{"class_path": "EarlyStopping"}], "trainer.callbacks[0].monitor is missing"),
    ],
)
def test_a_file(capsys, path, value, expected):
    recipe = yaml.safe_load(find_recipe("mnist_pooling").read_text())
    *steps, last = path.split(".")
    place = recipe
    for step in steps:
        place = place[step]
    place[last] = value
    Path("wrong.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False))
    assert expected in mistake(capsys, "wrong.yaml")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"- 1\n", "wrong.yaml must hold keys with values (model:, data:, ...), got [1]"),
        (b"model: [", "wrong.yaml: while parsing"),
        (bytes(range(128, 200)), "wrong.yaml is not text (UTF-8)"),
    ],
)
def test_a_file_that_is_no_recipe(capsys, content, expected):
    Path("wrong.yaml").write_bytes(content)
    assert expected in mistake(capsys, "wrong.yaml")


def test_what_torch_says_of_an_optimizer_names_it(capsys):
    said = mistake(capsys, "mnist_pooling", *SMALL, "--model.optimizer.lr=-1")
    assert said == "model.optimizer: Invalid learning rate: -1.0"


@pytest.mark.parametrize("kind", [ValueError, RuntimeError, KeyError, AssertionError, AttributeError])
def test_a_fault_of_ours_keeps_its_traceback(capsys, monkeypatch, kind):
    def break_down(*_, **__):
        exec("raise kind('inside')", {"kind": kind, "__name__": "torch.somewhere"})

    monkeypatch.setattr("lightning_snn.cli.commands.run_experiment", break_down)
    monkeypatch.setattr("lightning_snn.cli.faults._is_users", lambda _: False)
    assert main(["run", "mnist_pooling", *SMALL]) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "break_down" in said
    assert (
        said.rstrip()
        .splitlines()[-1]
        .startswith("lightning-snn: this is a fault of lightning-snn, not of your")
    )


def test_an_error_of_torch_in_our_code_is_a_fault():
    with pytest.raises(RuntimeError) as caught:
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    assert not is_mistake(caught.value)
    with pytest.raises(ValueError, match="unpack") as caught:
        _a, _b = [1]
    assert not is_mistake(caught.value)


MINE = """
import lightning_snn

class Broken(lightning_snn.Linear):
    def forward(self, features):
        return self.nowhere

class Picky(lightning_snn.Linear):
    def __init__(self, in_features, num_classes):
        raise ValueError("Picky wants more")
"""


def test_an_error_in_a_class_of_the_user_names_its_place(capsys):
    Path("mine_of_test_errors.py").write_text(MINE)
    assert main(["run", "mnist_pooling", *SMALL, "--model.readout=mine_of_test_errors.Broken"]) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "this error comes through your own" in said
    assert "mine_of_test_errors.py, line 6" in said
    assert (
        mistake(capsys, "mnist_pooling", *SMALL, "--model.readout=mine_of_test_errors.Picky")
        == "Picky wants more"
    )


@pytest.mark.parametrize(("group", "option"), [("trainer", "max_epochs"), ("self_organization", "chunk")])
def test_a_group_without_arguments_before_an_option(tmp_path, capsys, group, option):
    """The option makes a group of it, so that nothing looks wrong any more, or everything."""
    path = tmp_path / "wrong.yaml"
    path.write_text(f"{group}: null\n")
    assert main(["run", "mnist_pooling", "--config", str(path), f"--{group}.{option}=1"]) == 2
    assert f"wrong.yaml: {group} must hold arguments by name, got None" in capsys.readouterr().err
