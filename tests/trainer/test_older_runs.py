"""A run that an older version began goes on, from its checkpoint and its configuration."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from helpers.expected_warnings import NEW_FOLDER, UNWIRED

from lightning_snn import SpikingClassifier
from lightning_snn.cli.main import main
from lightning_snn.core.upgrade import upgraded
from lightning_snn.trainer.checkpoint_format import translate

FOLDER = Path(__file__).parent / "format_2"
"""An unfinished phase, the configuration of its run, and what that run came to without an interruption."""

pytestmark = [UNWIRED, NEW_FOLDER]


def test_it_comes_to_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(FOLDER / "config.yaml", "older.yaml")
    assert main(["run", "older.yaml", "--ckpt_path", str(FOLDER / "unfinished_phase.ckpt")]) == 0
    (path,) = Path("runs").glob("*/*/results.json")
    found = json.loads(path.read_text())["networks"]
    expected = json.loads((FOLDER / "results.json").read_text())["networks"]
    assert found.keys() == expected.keys()
    for name, scores in expected.items():
        assert found[name] == pytest.approx(scores, abs=1e-6)
    assert "lateral_active: development" in path.with_name("config.yaml").read_text()


def test_the_old_name_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(FOLDER / "config.yaml", "older.yaml")
    assert main(["run", "older.yaml", "--model.layers.retina.coupling", "sometimes"]) == 2
    assert "lateral_active must be one of" in capsys.readouterr().err


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


def test_a_class_by_its_old_file_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = ["--model.encoder", "lightning_snn.encoding.Poisson", "--model.encoder.max_rate=-1"]
    assert main(["run", "mnist", *given]) == 2
    assert "model.encoder.max_rate must be a finite number above 0" in capsys.readouterr().err


def test_layers_of_a_users_own_class_keep_their_arguments():
    own = {"layers": {"retina": {"class_path": "mine.Layer", "init_args": {"coupling": "sometimes"}}}}
    assert upgraded(own) == own
