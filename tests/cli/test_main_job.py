"""The recipe ``mnist``, small: what it prints and leaves, and that it goes on and comes back."""

import csv
import json
import os
import shlex
import signal
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import torch
import yaml
from helpers.commands import run_in
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import SHORT, SMALL_COLUMNS
from helpers.tensors import assert_same

from lightning_snn import Images, SpikingClassifier
from lightning_snn.cli.main import main
from lightning_snn.cli.recipes import recipes

pytestmark = [*OF_COMMANDS, pytest.mark.usefixtures("in_an_empty_folder", "undrawn")]

PERTURBATIONS = {
    "shifted": [{"class_path": "Shift", "init_args": {"pixels": pixels}} for pixels in (2, 4)],
    "noise": {"class_path": "GaussianNoise"},
    "occluded": {"class_path": "Occlusion"},
}
OPTIONS = [
    *SHORT,
    *SMALL_COLUMNS,
    "--model.few_labels=[100, 30]",  # fewer than in the recipe, as of the strengths
    f"--data.perturbations={json.dumps(PERTURBATIONS)}",
    "--trainer.max_epochs=2",
    "--self_organization.max_steps.columns=800",
    "--model.connections.columns.projection.rule.horizon=800",
]
CONTROLS = [
    "random_weights",
    "scattered_fields",
    "scattered_random",
    "round_fields",
    "raw_pixels",
    "raw_pixels_MLP",
]
TESTS = ["shifted", "shifted_4", "noise", "occluded", "100_labels", "30_labels"]
FIELDS = ["localised_share", "field_size", "rms_radius", "coverage", "compactness"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished run, in which ``printed.txt`` holds what it printed."""
    printed = StringIO()
    with redirect_stdout(printed):
        run = run_in(tmp_path_factory.mktemp("finished"), "mnist", *OPTIONS)
    (run / "printed.txt").write_text(printed.getvalue(), encoding="utf-8")
    return run


def newest(name="mnist"):
    return max(Path("runs", name).iterdir())


def networks_of(run):
    return json.loads((run / "results.json").read_text())["networks"]


def weights_of(run):
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def test_the_tables(finished):
    lines = (finished / "printed.txt").read_text(encoding="utf-8").splitlines()
    scores, fields = ([cell.strip() for cell in line.split("┃")[1:-1]] for line in lines if "network" in line)
    assert scores == ["network", "clean", "shifted", "noise", "occluded", "100 labels"]
    assert fields == ["network", "field", "radius", "localised", "coverage"]
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    names = ["self-organised", *(name.replace("_", " ") for name in CONTROLS)]
    assert [row[0] for row in rows] == names * 2
    assert all(cell.endswith("%") for row in rows[: len(names)] for cell in row[1:])


def test_every_score_of_every_network(finished):
    networks = networks_of(finished)
    assert list(networks) == ["network", *CONTROLS]
    scores = {"accuracy", "macro_f1", *TESTS, *(f"{test}/macro_f1" for test in TESTS)}
    fields = {f"fields/{measure}" for measure in FIELDS}
    for name, found in networks.items():
        assert found.keys() == scores | (set() if name.startswith("raw") else fields), name
        assert all(0 <= found[score] <= 1 for score in scores), name
    assert 0 < networks["network"]["fields/field_size"] < 160
    same_fields = [networks["random_weights"][f"fields/{measure}"] for measure in FIELDS]
    assert same_fields == [networks["network"][f"fields/{measure}"] for measure in FIELDS]
    assert networks["scattered_fields"]["fields/rms_radius"] != networks["network"]["fields/rms_radius"]


def test_the_figures(finished):
    assert {path.stem for path in (finished / "figures").iterdir()} == {
        "node_layout",
        "receptive_fields_fields",
        "features_columns",
        "waves",
        "raster",
        "confusion_matrix",
        "accuracy_against_labels",
        "accuracy_against_shifted",
    }


def test_what_is_learned_and_what_is_not(finished):
    model = SpikingClassifier.load_from_checkpoint(finished / "checkpoints" / "last.ckpt", weights_only=True)
    own = model.network.weighted
    learned = {name: control.projections for name, control in model.controls.items()}
    assert all(projection.wired for projection in own.values())
    columns, first = own["columns"].weight, own["columns"].initial_weight()
    assert own["columns"].nodes.shape == (4, 30)
    assert not torch.equal(columns, first)
    controls = yaml.safe_load(recipes()["mnist"].read_text())["model"]["init_args"]["controls"]
    for name in ("random_weights", "scattered_random"):
        chance = learned[name]["columns"]
        assert chance.gain == controls[name]["init_args"]["gain"]
        assert not torch.equal(chance.weight, columns)
    assert torch.equal(learned["random_weights"]["columns"].nodes, own["columns"].nodes)
    for name in ("scattered_fields", "round_fields"):
        assert learned[name]["columns"].gain == own["columns"].gain
        assert not torch.equal(learned[name]["columns"].nodes, own["columns"].nodes)
        assert not torch.equal(learned[name]["columns"].weight, first)
    readouts = {name: type(readout).__name__ for name, readout in model.readouts.items()}
    assert readouts.pop("raw_pixels_MLP") == "MLP"
    assert set(readouts.values()) == {"Ridge"}


@pytest.mark.parametrize(
    ("where", "number", "sent", "kept"),
    [
        ((Images, "currents"), 3, signal.SIGTERM, "self_organization"),
        ((Images, "currents"), 7, signal.SIGINT, "self_organization"),
        ((Images, "currents"), 11, signal.SIGTERM, "self_organization"),
        ((SpikingClassifier, "training_step"), 3, signal.SIGTERM, "last"),
    ],
    ids=["columns", "columns of scattered_fields", "columns of round_fields", "second epoch"],
)
def test_interrupted(monkeypatch, capsys, finished, where, number, sent, kept):
    """Columns learn for four rounds each: the network's, then those of the controls that learn anew."""
    with monkeypatch.context() as patch:
        count, original = iter(range(1, 100)), getattr(*where)

        def killed(*args, **kwargs):
            if next(count) == number:
                os.kill(os.getpid(), sent)
            return original(*args, **kwargs)

        patch.setattr(*where, killed)
        assert main(["run", "mnist", *OPTIONS]) == 128 + sent
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Lightning ignores further ones
    words = shlex.split(capsys.readouterr().err.split("resume with: lightning-snn ")[1])
    assert words[-1] == str(newest() / "checkpoints" / f"{kept}.ckpt")
    assert main(words) == 0
    assert networks_of(newest()) == networks_of(finished)
    assert_same(weights_of(newest()), weights_of(finished))


def test_the_checkpoint_repeats_the_scores(finished):
    path = finished / "checkpoints" / "last.ckpt"
    assert main(["test", "--config", "mnist", *SHORT, "--ckpt_path", str(path)]) == 0
    with (newest() / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if any(row.values())]
    again = {key: float(value) for row in rows for key, value in row.items() if value}
    for name, found in networks_of(finished).items():
        suffix = "" if name == "network" else f"_{name}"
        for score in ("accuracy", "macro_f1"):
            assert again[f"test/{score}{suffix}"] == pytest.approx(found[score]), name
            for test in TESTS:
                of_test = found[test if score == "accuracy" else f"{test}/{score}"]
                assert again[f"test_{test}/{score}{suffix}"] == pytest.approx(of_test), (name, test)


def test_the_saved_configuration_runs_to_the_same_bits(finished):
    assert main(["run", str(finished / "config.yaml")]) == 0
    assert networks_of(newest("config")) == networks_of(finished)
    assert_same(weights_of(newest("config")), weights_of(finished))


def test_another_seed_is_another_run(finished):
    assert main(["run", "mnist", *OPTIONS, "--seed=1"]) == 0
    one, other = weights_of(finished), weights_of(newest())
    assert networks_of(newest()) != networks_of(finished)
    for name in one:
        if name.endswith(("positions", "columns.weight", "columns.nodes")):
            assert not torch.equal(one[name], other[name]), name
