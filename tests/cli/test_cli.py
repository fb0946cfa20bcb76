"""The command line, called in this process: commands, overrides, what a run leaves, its errors."""

import csv
import json
import subprocess
import sys
import zipfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import torch
import yaml
from helpers.commands import failure, run_in
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import SHORT, SMALL
from helpers.tensors import assert_same

import lightning_snn
from lightning_snn import SelfOrganization, SpikingClassifier
from lightning_snn.cli.main import main
from lightning_snn.cli.recipes import find_recipe, recipes
from lightning_snn.trainer.queries import find_callback

pytestmark = [*OF_COMMANDS, pytest.mark.usefixtures("in_an_empty_folder")]

TRIAL = [*SMALL, "--trainer.fast_dev_run=true"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished run, in which ``printed.txt`` holds what it printed."""
    printed = StringIO()
    with redirect_stdout(printed):
        run = run_in(tmp_path_factory.mktemp("finished"), "mnist_pooling", *SMALL)
    (run / "printed.txt").write_text(printed.getvalue())
    return run


def test_ls_names_every_recipe_in_one_line(capsys):
    assert main(["ls"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(recipes())
    assert all(len(line.split()) > 5 for line in lines)


def test_cp(capsys):
    assert main(["cp", "mnist_pooling", "mine.yaml"]) == 0
    assert Path("mine.yaml").read_text() == recipes()["mnist_pooling"].read_text()
    assert "lightning-snn run mine.yaml" in capsys.readouterr().out


def test_cp_into_a_folder():
    Path("configs").mkdir()
    assert main(["cp", "mnist_pooling", "configs"]) == 0
    assert Path("configs/mnist_pooling.yaml").is_file()


def test_cp_does_not_overwrite(capsys):
    Path("mine.yaml").write_text("precious")
    assert "mine.yaml exists already" in failure(capsys, "cp", "mnist_pooling", "mine.yaml")
    assert Path("mine.yaml").read_text() == "precious"


def test_a_trial_leaves_nothing(capsys):
    assert main(["run", "mnist_pooling", *TRIAL]) == 0
    assert "self-organised" in capsys.readouterr().out
    assert [path for path in Path().rglob("*") if path.is_file()] == []


def test_overrides(built):
    model, trainer, _ = built(
        "run",
        "mnist_pooling",
        "--model.readout=Linear",
        "--model.layers.retina.geometry.num_nodes=300",
        "--model.layers.retina.geometry.side=12",
        "--self_organization.max_steps=1000",
        "--trainer.max_epochs=3",
        "--trainer.accelerator=cpu",
    )
    phase = find_callback(trainer, SelfOrganization)
    assert type(model.readout).__name__ == "Linear"
    assert model.network.layer("retina").num_nodes == 300
    assert phase.settings.max_steps == 1000
    assert trainer.max_epochs == 3
    assert trainer.callbacks.index(phase) < len(trainer.callbacks) - 1


def test_one_seed_for_all_but_the_splits(built):
    first, _, data = built("run", "mnist_pooling", *SMALL)
    second, trainer, other = built("run", "mnist_pooling", *SMALL, "--seed=3")
    assert (data.split_seed, other.split_seed) == (0, 0)
    assert (data.seed, other.seed) == (0, 3)
    assert (first.network.seed, second.network.seed) == (0, 3)
    phase = find_callback(trainer, SelfOrganization)
    assert phase.settings.stimulus.stream.own is None  # the phase gives it the network's
    assert not torch.equal(first.network.layer("retina").positions, second.network.layer("retina").positions)
    again, *_ = built("run", "mnist_pooling", *SMALL, "--seed=3")
    assert_same(again.state_dict(), second.state_dict())


def test_loggers(built):
    _, trainer, _ = built("run", "mnist_pooling", *SMALL, "--logger=tensorboard")
    assert [type(logger).__name__ for logger in trainer.loggers] == ["CSVLogger", "TensorBoardLogger"]


def test_what_a_run_leaves(finished):
    files = {path.relative_to(finished).as_posix() for path in finished.rglob("*") if path.is_file()}
    assert {
        "config.yaml",
        "metrics.csv",
        "results.json",
        "checkpoints/last.ckpt",
        "checkpoints/self_organization.ckpt",
    } < files
    assert sum(name.startswith("figures/") and name.endswith(".png") for name in files) == 5


def test_results(finished):
    results = json.loads((finished / "results.json").read_text())
    assert list(results["networks"]) == ["network", "random", "grid", "pixels"]
    assert all(0 <= row["accuracy"] <= 1 for row in results["networks"].values())
    own, control = results["networks"]["network"], results["networks"]["random"]
    assert own["lgn/field_size"] == control["lgn/field_size"] > 0
    assert results["seconds"].keys() == {"self-organise", "encode", "train", "test"}
    with (finished / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["self_organization/step"] == "400.0"
    tested = [float(row["test/accuracy"]) for row in rows if row["test/accuracy"]]
    assert tested == pytest.approx([own["accuracy"]])


def test_prints_the_table(finished):
    printed = (finished / "printed.txt").read_text()
    for name in ("self-organised", "random wiring", "hand-made grid", "raw pixels", "Run folder: runs"):
        assert name in printed


def test_the_saved_config_runs_again(finished, capsys):
    assert main(["run", str(finished / "config.yaml"), "--trainer.fast_dev_run=true"]) == 0
    assert "self-organised" in capsys.readouterr().out
    model = yaml.safe_load((finished / "config.yaml").read_text())["model"]["init_args"]
    assert model["layers"]["retina"]["init_args"]["geometry"]["init_args"]["num_nodes"] == 160


@pytest.mark.usefixtures("undrawn")
def test_compare_runs_every_seed_and_tabulates_the_networks(capsys):
    assert main(["compare", "--seeds", "2", "mnist_pooling", "--first_seed=7", *SMALL]) == 0
    printed = capsys.readouterr().out
    (folder,) = Path("runs/mnist_pooling-compare").iterdir()
    found = json.loads((folder / "comparison.json").read_text())["accuracy"]
    assert list(found) == ["7", "8"]
    runs = sorted(Path("runs/mnist_pooling").iterdir())
    for seed, run in zip(found, runs, strict=True):
        networks = json.loads((run / "results.json").read_text())["networks"]
        assert found[seed] == {name: scores["accuracy"] for name, scores in networks.items()}
        assert f"seed_everything: {seed}\n" in (run / "config.yaml").read_text()
    assert {path.name for path in folder.iterdir()} == {"comparison.json", "table.md", "accuracy.png"}
    assert "| seed | self-organised | random wiring |" in (folder / "table.md").read_text()
    for words in (
        "mnist_pooling: test accuracy in %",
        "self-organised",
        "random wiring",
        f"Comparison: {folder}",
    ):
        assert words in printed


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Experiment logs directory .* exists and is not empty")  # W&B's files
@pytest.mark.usefixtures("undrawn")
def test_every_seed_is_a_run_of_its_own(monkeypatch):
    wandb, started = pytest.importorskip("wandb"), []
    init = wandb.init
    monkeypatch.setattr(wandb, "init", lambda **options: started.append(options["name"]) or init(**options))
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_CONSOLE", "off")
    options = [*SMALL, "--model.controls=[]", "--logger=wandb", "--trainer.log_every_n_steps=1"]
    assert main(["compare", "mnist_pooling", "--seeds=2", *options]) == 0
    runs = sorted(path.name for path in Path("runs/mnist_pooling").iterdir())
    assert started == [f"mnist_pooling-{run}" for run in runs]
    assert wandb.run is None
    assert [len(list(Path("runs/mnist_pooling", run).glob("wandb/offline-run-*"))) for run in runs] == [1, 1]


def test_a_model_of_the_command_line_comes_back(finished):
    path = finished / "checkpoints" / "last.ckpt"
    one, two = (SpikingClassifier.load_from_checkpoint(path, weights_only=True).eval() for _ in range(2))
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    state = torch.load(path, weights_only=True)["state_dict"]
    for name, value in one.state_dict().items():
        assert torch.equal(value, state[name]), name
    with torch.no_grad():
        assert torch.equal(one(images), two(images))
    assert one.network.layer("retina").num_nodes == 160


@pytest.mark.usefixtures("undrawn")
def test_fit():
    assert main(["fit", "--config", "mnist_pooling", *SMALL]) == 0
    (run,) = Path("runs/mnist_pooling").iterdir()
    assert (run / "checkpoints" / "last.ckpt").is_file()
    assert (run / "config.yaml").is_file()
    assert not (run / "results.json").exists()
    assert main(["run", str(run / "config.yaml"), "--trainer.fast_dev_run=true"]) == 0


@pytest.mark.parametrize("command", ["validate", "test"])
def test_validate_and_test(finished, capsys, command):
    args = ["--config", "mnist_pooling", *SHORT, "--ckpt_path", str(finished / "checkpoints" / "last.ckpt")]
    assert main([command, *args]) == 0
    assert "accuracy_random" in capsys.readouterr().out


def test_test_gives_the_same_accuracy(finished):
    args = ["--config", "mnist_pooling", *SHORT, "--ckpt_path", str(finished / "checkpoints" / "last.ckpt")]
    assert main(["test", *args]) == 0
    (run,) = Path("runs/mnist_pooling").iterdir()
    with (run / "metrics.csv").open() as file:
        (row,) = csv.DictReader(file)
    results = json.loads((finished / "results.json").read_text())
    assert float(row["test/accuracy"]) == pytest.approx(results["networks"]["network"]["accuracy"])


def test_predict(finished, capsys):
    args = ["--config", "mnist_pooling", *SHORT, "--ckpt_path", str(finished / "checkpoints" / "last.ckpt")]
    assert main(["predict", *args]) == 0
    (path,) = Path("runs/mnist_pooling").glob("*/predictions.csv")
    assert str(path) in capsys.readouterr().out.replace("\n", "")
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 50
    assert rows[0].keys() == {"sample", "label", "probability"}
    assert {int(row["label"]) for row in rows} <= set(range(10))
    assert all(0.1 <= float(row["probability"]) <= 1 for row in rows)
    assert len({row["sample"] for row in rows}) == 50


@pytest.mark.usefixtures("undrawn")
def test_run_goes_on_from_a_checkpoint(finished, capsys):
    path = str(finished / "checkpoints" / "self_organization.ckpt")
    assert main(["run", "mnist_pooling", *SMALL, "--ckpt_path", path]) == 0
    assert "self-organised" in capsys.readouterr().out
    (run,) = Path("runs/mnist_pooling").iterdir()
    again = json.loads((run / "results.json").read_text())["networks"]
    assert again == json.loads((finished / "results.json").read_text())["networks"]


MISTAKES = {
    "typo": ("total: 30.0", "totl: 30.0"),
    "value": ("total: 30.0", "total: -30.0"),
    "range": ("initial_range: [0.0, 0.0765]", "initial_range: [0.9, 0.1]"),
}
"""Mistakes in the recipe of Diehl and Cook, by the name of a file that holds one."""


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["run", "mnits"], ["'mnits'", "Did you mean mnist?"]),
        (
            ["compare", "mnist_pooling", "--seeds", "none"],
            ["--seeds must be a whole number, 1 or above, got 'none'"],
        ),
        (["compare", "mnist_pooling", "--seeds="], ["--seeds must be a whole number, 1 or above, got ''"]),
        (["compare", "--seeds", "3"], ["compare needs a recipe"]),
        (["compare", "mnist_pooling", "--seed", "1"], ["leave out --seed"]),
        (
            ["run", "mnist_pooling", "--model.readout.hiden=9"],
            ["model.readout.hiden: MLP has no argument 'hiden'"],
        ),
        (
            ["run", "typo.yaml"],
            ["model.layers.excitatory.projection.homeostasis[0]", "'totl' (did you mean total?)"],
        ),
        (
            ["run", "value.yaml"],
            ["model.layers.excitatory.projection.homeostasis[0].total must", "got -30.0"],
        ),
        (
            ["run", "range.yaml"],
            [
                "model.layers.excitatory.projection.rule.initial_range must be two ascending numbers",
                "[0.9, 0.1]",
            ],
        ),
        (["compare", "mnits"], ["Did you mean mnist?"]),
        (["run", "nothing_like_it"], ["'nothing_like_it'", "Recipes: "]),
        (["cp", "mnits", "mine.yaml"], ["'mnits'", "Did you mean mnist?"]),
        (["fit", "--config", "mnits"], ["'mnits'", "Did you mean mnist?"]),
        (["run", "mnist_pooling", "--model.layers.retina.geometry.num_nods=9"], ["num_nods", "num_nodes"]),
        (["run", "mnist_pooling", "--self_organization.max_step=9"], ["max_step"]),
        (["run", "mnist_pooling", "--trainer.epochs=9"], ["trainer.epochs"]),
        (["run", "mnist_pooling", "--nonsense=9"], ["nonsense"]),
        (
            ["run", "mnist_pooling", "--model.layers.retina.geometry.num_nodes=-5"],
            ["model.layers.retina.geometry.num_nodes", "-5"],
        ),
        (
            ["run", "mnist_pooling", "--model.layers.retina.neuron.dt=0"],
            ["model.layers.retina.neuron.dt", "got 0"],
        ),
        (
            ["run", "mnist_pooling", "--model.layers.retina.neuron.preset=fastest"],
            ["model.layers.retina.neuron.preset", "fastest", "fast_spiking"],
        ),
        (["run", "mnist_pooling", "--model.encoder.num_steps=many"], ["model.encoder.num_steps", "many"]),
        (["run", "mnist_pooling", "--model.readout=Linaer"], ["Linaer", "Linear"]),
        (["run", "mnist_pooling", "--self_organization.stop_at=2"], ["self_organization.stop_at", "2"]),
        (
            ["run", "mnist_pooling", "--data.source=torchvision", "--data.root=nowhere", *TRIAL],
            ["data.root", "nowhere"],
        ),
        (["run", "mnist_pooling", "--data.source=torchvision"], ["data.root"]),
        (["run", "mnist_pooling", "--data.batch_size=0"], ["data.batch_size", "0"]),
        (["run", "mnist_pooling", "--data.batch_size=100000", *TRIAL], ["data.batch_size", "100000"]),
        (["run", "mnist_pooling", "--logger=paper"], ["logger", "paper"]),
        (["test", "--config", "mnist_pooling", *SHORT, "--ckpt_path=missing.ckpt"], ["missing.ckpt"]),
        (
            ["test", "--config", "mnist_pooling", "--ckpt_path=some.ckpt", "--model.encoder.num_steps=9"],
            ["--model.encoder.num_steps", "has no effect beside --ckpt_path"],
        ),
        (["run", "broken.yaml"], ["broken.yaml"]),
        (["fit", "--config", "empty.yaml"], ["empty.yaml"]),
        (["conquer"], ["conquer"]),
    ],
    ids=lambda value: " ".join(value[:3])[:70] if isinstance(value, list) else None,
)
def test_one_sentence(capsys, args, words):
    Path("broken.yaml").write_text("model: [unclosed")
    Path("empty.yaml").write_text("")
    recipe = find_recipe("diehl_cook").read_text()
    for name, (right, wrong) in MISTAKES.items():
        assert right in recipe
        Path(f"{name}.yaml").write_text(recipe.replace(right, wrong))
    sentence = failure(capsys, *args)
    for word in words:
        assert word in sentence, sentence
    assert len(sentence) < 500


def test_a_run_folder_that_cannot_be_written(capsys):
    Path("runs").write_text("in the way")
    assert "runs" in failure(capsys, "run", "mnist_pooling", *TRIAL)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_a_file_that_is_no_checkpoint(finished, capsys, content):
    whole = (finished / "checkpoints" / "last.ckpt").read_bytes()
    Path("bad.ckpt").write_bytes(whole[:3000] if content is None else content)
    assert "bad.ckpt" in failure(capsys, "test", "--config", "mnist_pooling", *SHORT, "--ckpt_path=bad.ckpt")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (torch.zeros(3), "not a checkpoint of Lightning"),
        ({"weights": torch.zeros(3)}, "not a checkpoint of Lightning"),
        ({"state_dict": {}, "pytorch-lightning_version": "2.6.6"}, "of a SpikingClassifier"),
        (
            {"state_dict": {}, "pytorch-lightning_version": "2.6.6", "hyper_parameters": {"width": 3}},
            "of a SpikingClassifier",
        ),
    ],
)
def test_a_checkpoint_of_something_else(capsys, content, words):
    torch.save(content, "other.ckpt")
    said = failure(capsys, "test", "--config", "mnist_pooling", *SHORT, "--ckpt_path=other.ckpt")
    assert "ckpt_path: other.ckpt is not a checkpoint of" in said
    assert words in said
    with pytest.raises(ValueError, match=rf"^other\.ckpt is.* {words}"):
        SpikingClassifier.load_from_checkpoint("other.ckpt")


@pytest.mark.parametrize(
    "args",
    [["--help"], ["run", "--help"], []],
)
def test_help(capsys, args):
    with pytest.raises(SystemExit) as stopped:
        main(args)
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert "RECIPE" in printed if args[:1] == ["run"] else "self-organise, train, test" in printed


@pytest.mark.parametrize(
    ("callback", "words"),
    [
        (["EarlyStopping", "--trainer.callbacks.monitor=val/los"], ["`val/los`", "`val/accuracy`"]),
        (["LearningRateFinder"], ["layers lgn are not wired yet, and LearningRateFinder runs before"]),
        (["BatchSizeFinder"], ["layers lgn are not wired yet, and BatchSizeFinder runs before"]),
    ],
    ids=lambda value: value[0].split()[0],
)
@pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`, callbacks used to create")
def test_mistakes_with_callbacks(capsys, callback, words):
    options = [*SMALL, "--model.controls=[]", f"--trainer.callbacks+={callback[0]}", *callback[1:]]
    sentence = failure(capsys, "fit", "--config", "mnist_pooling", *options)
    assert all(word in sentence for word in words), sentence


def test_no_folder_is_left_by_a_wrong_argument(capsys):
    failure(capsys, "run", "mnist_pooling", "--model.encoder.num_steps=-1")
    assert list(Path().rglob("runs/*/*")) == []


@pytest.mark.slow
def test_the_wheel_holds_the_recipes(tmp_path):
    pytest.importorskip("hatchling")
    root = Path(lightning_snn.__file__).parent.parent
    if not (root / "pyproject.toml").is_file():
        pytest.skip("not a checkout")
    command = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(root)]
    subprocess.run([sys.executable, "-m", "pip", *command], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name in recipes():
        assert f"lightning_snn/recipes/{name}.yaml" in names
    assert "lightning_snn/cli/main.py" in names
    assert not any(name.startswith("tests") for name in names)
