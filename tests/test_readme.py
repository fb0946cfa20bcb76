"""What the READMEs and the contributor's guide say works: every command, shortened, and the code."""

import glob
import re
import runpy
import shlex
import shutil
import sys
import textwrap
import tomllib
import types
from functools import partial
from pathlib import Path

import pytest
import torch
import yaml
from helpers.commands import run_in
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import FEW_BATCHES, QUIET, SMALL_COLUMNS

import lightning_snn as snn
from lightning_snn.cli.main import main
from lightning_snn.cli.recipes import recipe_folder, recipes
from lightning_snn.development.development import Development
from lightning_snn.plasticity import Streams

ROOT = recipe_folder().parent
pytestmark = [
    pytest.mark.skipif(not (ROOT / "README.md").is_file(), reason="not a checkout"),
    *OF_COMMANDS,
    pytest.mark.usefixtures("in_an_empty_folder"),
]

SHORT = ["--trainer.fast_dev_run=true", *QUIET, "--data.eval_batch_size=50"]
SMALL = [*SHORT[1:], *FEW_BATCHES, "--trainer.max_epochs=1"]


def text(name):
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def blocks(name, language):
    """The code blocks of a file."""
    return re.findall(rf"^```{language}\n(.*?)^```", text(name), flags=re.DOTALL | re.MULTILINE)


def block_with(words, name="README.md", language="yaml"):
    """The code block of a file that holds these words."""
    (found,) = (block for block in blocks(name, language) if words in block)
    return found


def typed(name):
    """The commands of a file's blocks, without comments."""
    lines = [line.partition(" #")[0] for block in blocks(name, "bash") for line in block.splitlines()]
    return [command.strip() for line in lines for command in line.split("&&") if command.strip()]


def mentioned(name):
    """The commands in a file's running text: ``lightning-snn ...``, or ``run ...`` for short."""
    prose = re.sub(r"^```.*?^```", "", text(name), flags=re.DOTALL | re.MULTILINE)
    found = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]
    short = [f"lightning-snn {code}" for code in found if code.startswith("run ")]
    return short + [code for code in found if code.startswith("lightning-snn ")]


GUIDE = ".github/CONTRIBUTING.md"
FILES = ["README.md", "recipes/README.md", "recipes/benchmarks/README.md", GUIDE]
TYPED = list(dict.fromkeys(command for name in FILES for command in typed(name)))
OURS = [command for command in TYPED if command.startswith("lightning-snn ")]
OURS += [command.replace("NAME", "mnist") for name in FILES for command in mentioned(name)]
OURS = list(dict.fromkeys(OURS))
OTHERS = [command for command in TYPED if not command.startswith("lightning-snn ")]


@pytest.fixture(autouse=True)
def no_uploads(monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_CONSOLE", "off")  # its copy of what is printed comes late, into the next folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a short run of ``mnist``."""
    return run_in(tmp_path_factory.mktemp("finished"), "mnist", *SMALL, *SMALL_COLUMNS, "--model.cache=false")


@pytest.mark.parametrize("command", OURS)
def test_a_command(request, command):
    if "wandb" in command:
        pytest.importorskip("wandb")
    if "DIR" in command:
        pytest.importorskip("torchvision")
        command = command.replace("DIR", str(request.getfixturevalue("image_files")))
    if "TIME" in command:
        finished = request.getfixturevalue("finished")
        shutil.copytree(finished.parent.parent, "runs")
        command = command.replace("TIME", finished.name)
    name, *words = shlex.split(command)
    assert name == "lightning-snn"
    for word in words[1:2]:
        if word.endswith(".yaml") and words[0] != "cp":
            shutil.copyfile(recipes()["mnist"], word)
    if "watch.yaml" in words:  # as the README has it; the small recipe has fewer neurons
        Path("watch.yaml").write_text(block_with("lightning_snn.Recorder").replace("[0, 7]", "[0, 3]"))
    if "--seeds" in words:
        words[words.index("--seeds") + 1] = "1"
    small = SMALL_COLUMNS if "--ckpt_path" not in words and {"mnist", "my.yaml"} & set(words) else []
    light = words[0] in ("ls", "cp", "--version")
    try:
        code = main(words if light else [*words, *SHORT, *small])
    except SystemExit as left:  # as argparse does after --version
        code = left.code
    assert code == 0


def test_there_are_commands():
    assert len(OURS) > 20
    assert {"lightning-snn run mnist", "lightning-snn ls"} <= set(OURS)


@pytest.mark.parametrize("command", OTHERS)
def test_a_command_of_others(command):
    """Those that install, start tests or measure: what they name is there. Any other command fails here."""
    words = shlex.split(command)
    if words[0] == "pip":
        extras = tomllib.loads(text("pyproject.toml"))["project"]["optional-dependencies"]
        assert set(re.search(r"\[(.*)\]", words[-1])[1].split(",")) <= extras.keys()
    elif words[0] == "python" and words[1].endswith(".py"):
        source = text(words[1])
        assert source
        assert all(f'"{word}"' in source for word in words if re.fullmatch(r"--\w+", word))
    else:
        assert words[0] in ("pytest", "ruff", "mypy", "source") or command.startswith(
            ("python -m venv ", "brian/bin/pip install ")
        )


def test_the_script_of_xor(tmp_path, monkeypatch, capsys):
    command = next(command for command in OTHERS if "xor_rates.py" in command)
    _, script, pattern = shlex.split(command)
    options = ["--self_organization.max_steps=800", "--model.encoder.num_steps=50"]
    run_in(tmp_path, "xor_reward", *SMALL, *options)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [script, *glob.glob(pattern)])
    capsys.readouterr()
    runpy.run_path(str(ROOT / script), run_name="__main__")
    assert "of 1; above twice" in capsys.readouterr().out


SIZES = {"retina": 160, "lgn": 20}

SHORTER = {
    "1500, side=28.0": "160, side=12.0",
    "96, side=28.0": "4, side=12.0",
    "2304, side=28.0": "8, side=12.0",
    "size=220": "size=30",
    "ConstantCurrent(20": "ConstantCurrent(5",
    "200_000": "400",
    "72_000": "400",
    "stop_at=0.98": "stop_at=0.98, chunk=25",
    "max_epochs=1": "max_epochs=1, accelerator='cpu', logger=False, enable_progress_bar=False",
}

SHORTER_TRAINING = {
    "max_epochs=3": "max_epochs=1, limit_train_batches=2, accelerator='cpu', logger=False, "
    "enable_progress_bar=False, enable_checkpointing=False",
    "snn.Maps(32,": "snn.Maps(4,",
    "snn.Maps(64,": "snn.Maps(4,",
}


def shortened(code, pairs):
    """The code with some words in place of others, all of which it has."""
    for long, short in pairs.items():
        assert long in code
        code = code.replace(long, short)
    return code


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_the_code(finished, capsys):
    code, training, *more = blocks("README.md", "python")
    code, training = shortened(code, SHORTER), shortened(training, SHORTER_TRAINING)
    names = {"torch": torch}
    for block in (training, code, *more):
        exec(block, names)  # the reader's own session
    assert names["model"].network.unwired == []
    assert 0 <= names["report"]["localised_share"] <= 1
    assert 0 <= names["trainer"].callback_metrics["test/accuracy"] <= 1
    assert names["spikes"].shape == (100, 32, 784)
    (loading,) = re.findall(r"`(SpikingClassifier.load_from_checkpoint\(path\)[^`]*)`", text("README.md"))
    given = {"path": finished / "checkpoints" / "last.ckpt", "images": torch.rand(2, 1, 28, 28)}
    with torch.no_grad():
        scores = eval(loading, vars(snn) | given)  # as above
    assert scores.shape == (2, 10)
    capsys.readouterr()


def test_the_example_with_connections_in_yaml(built):
    whole = yaml.safe_load(block_with("connections:"))
    whole["data"] = {"class_path": "lightning_snn.MNIST", "init_args": {"source": "embedded"}}
    Path("mine.yaml").write_text(yaml.safe_dump(whole))
    sizes = [f"--model.layers.{layer}.geometry.num_nodes={size}" for layer, size in SIZES.items()]
    sides = [f"--model.layers.{layer}.geometry.side=12" for layer in SIZES]
    assert main(["run", "mine.yaml", *sizes, *sides, "--model.encoder.num_steps=5", *SHORT]) == 0
    network = built("run", "mine.yaml", *sizes, *sides).model.network
    assert {name: (c.source, c.target) for name, c in network.connections.items()} == {
        "waves": ("retina", "retina"),
        "pooling": ("retina", "lgn"),
    }


def test_the_phases_in_yaml(built):
    Path("mine.yaml").write_text(block_with("phases:"))
    phases = built("run", "mnist_finetuned", "--config=mine.yaml", "--data.root=.").model.plan.phases
    assert {name: phase.epochs for name, phase in phases.items()} == {"readout": 1, "all": 3}
    assert phases["all"].rate("features", 1.0) == 1e-4


def test_the_projection_in_yaml():
    block = block_with("lightning_snn.Columns")
    layers = {"lgn": yaml.safe_load(block)}
    Path("mine.yaml").write_text(yaml.safe_dump({"model": {"init_args": {"layers": layers}}}))
    size = "--model.layers.lgn.geometry.num_nodes=128"
    assert main(["run", "mnist_pooling", "--config=mine.yaml", size, "--model.controls=[]", *SHORT]) == 0


def guide_examples(folder, language):
    """The files of a folder that the contributor's guide writes, by their paths."""
    pattern = rf"^\d\. `({folder}/[\w/]+)\.\w+`.*?^   ```{language}\n(.*?)^   ```"
    found = re.findall(pattern, text(GUIDE), flags=re.DOTALL | re.MULTILINE)
    return {path: textwrap.dedent(code) for path, code in found}


def test_the_guides_rule_neuron_and_projection(retina):
    names = {}
    for path, code in guide_examples("lightning_snn", "python").items():
        name = path.replace("/", ".")
        module = types.ModuleType(name)
        sys.modules[name] = module  # for good, as the classes stay among the subclasses of their bases
        exec(code, vars(module))
        names |= vars(module)
    wiring = partial(names["ByChance"], fan_in=40, rule=names["Instar"](0.1), gain=2.0)
    layer = snn.SpikingLayer(snn.Torus(20, side=12.0), names["Theta"](), projection=wiring)
    network = snn.SpikingNetwork({"retina": retina(), "lgn": layer}, seed=0)
    projection = network.connection("lgn").projection
    before = projection.weight.clone()
    activity = Development(network, "lgn", snn.SpontaneousWaves(), Streams(2)).round(200, 0)
    assert 0 < activity.share < 0.5
    changed = (projection.weight != before).flatten(1).any(1)
    assert changed.any()
    assert projection.matrix(before).ne(0).sum(1).tolist() == [40] * 20


def test_the_guides_recipe():
    (recipe,) = guide_examples("recipes", "yaml").values()
    assert 20 < len(recipe.splitlines()[0].removeprefix("# ")) <= 110
    Path("mine.yaml").write_text(recipe, encoding="utf-8")
    assert main(["run", "mine.yaml", *SHORT]) == 0
