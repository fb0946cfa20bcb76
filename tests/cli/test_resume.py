"""A run goes on with the settings that it began with; run again from what it wrote, it gives the same."""

import json
from pathlib import Path

import pytest
import torch
from helpers.commands import failure, run_in
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import SHORT, SMALL
from helpers.tensors import assert_same

from lightning_snn.cli.main import main

pytestmark = [*OF_COMMANDS, pytest.mark.usefixtures("in_an_empty_folder", "undrawn")]
NETWORK = "--model.layers.lgn"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run with seed 1 that has ended."""
    return run_in(tmp_path_factory.mktemp("finished"), "mnist_pooling", *SMALL, "--seed=1", drawn=False)


def tensors(run):
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def assert_same_bits(run, other):
    assert_same(tensors(run), tensors(other))
    results, others = (json.loads((x / "results.json").read_text())["networks"] for x in (run, other))
    assert results == others


def the_run(name):
    (run,) = Path("runs", name).iterdir()
    return run


def test_a_run_goes_on_with_its_own_seed(finished):
    path = str(finished / "checkpoints" / "self_organization.ckpt")
    assert main(["run", "mnist_pooling", *SMALL, "--ckpt_path", path]) == 0
    assert_same_bits(the_run("mnist_pooling"), finished)


def test_the_saved_config_gives_the_same_bits(finished):
    assert main(["run", str(finished / "config.yaml")]) == 0
    assert_same_bits(the_run("config"), finished)


def test_another_seed_gives_other_readouts(finished):
    assert main(["run", "mnist_pooling", *SMALL, "--seed=2"]) == 0
    name = "readouts.network.hidden.weight"
    assert not torch.equal(tensors(the_run("mnist_pooling"))[name], tensors(finished)[name])


@pytest.mark.parametrize(
    ("options", "key"),
    [
        (["--seed=2"], "model.seed: 1 there, 2 here"),
        ([f"{NETWORK}.neuron.tau_mem=20"], "model.layers.lgn.neuron.tau_mem: 10.0 there, 20.0 here"),
        ([f"{NETWORK}.projection.gain=20"], "model.layers.lgn.projection.gain: 40.0 there, 20.0 here"),
        ([f"{NETWORK}.projection.seed=4", "--seed=1"], "lgn.projection.seed: None there, 1 here"),
        ([f"{NETWORK}.projection.seed=4"], "lgn.projection.seed: None there, 4 here"),
        ([f"{NETWORK}.geometry.class_path=Torus"], "model.layers.lgn.geometry.class_path"),
        (["--data.split_seed=4"], "data.split_seed: 0 there, 4 here"),
        (["--data.val_size=100"], "data.val_size: 400 there, 100 here"),
    ],
)
def test_other_settings_are_refused_by_key(finished, capsys, options, key):
    name = "self_organization" if "seed" in key else "last"
    path = finished / "checkpoints" / f"{name}.ckpt"
    said = failure(capsys, "run", "mnist_pooling", *SMALL, *options, "--ckpt_path", str(path))
    assert key in said


def damaged(finished, change):
    content = torch.load(finished / "checkpoints" / "last.ckpt", weights_only=True)
    change(content)
    torch.save(content, "damaged.ckpt")


def newer(content):
    content["lightning_snn"] = {"format": 99, "version": "9.0"}


def not_finite(content):
    content["state_dict"]["network.connections.lgn.projection.weight"][3, 5] = float("nan")


def as_list(content):
    content["state_dict"] = list(content["state_dict"].values())


def weights_only(content):
    del content["optimizer_states"], content["lr_schedulers"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (newer, "format 99 (lightning-snn 9.0), and this version reads formats up to 5"),
        (not_finite, "its network.connections.lgn.projection.weight holds values that are not finite"),
        (as_list, "holds no tensors by name (state_dict)"),
        (weights_only, "holds no optimizer_states, lr_schedulers, so no run can go on from it"),
    ],
)
def test_a_damaged_checkpoint_is_one_sentence(finished, capsys, change, words):
    damaged(finished, change)
    assert words in failure(capsys, "run", "mnist_pooling", *SMALL, "--ckpt_path", "damaged.ckpt")


def test_nor_is_it_tested(finished, capsys):
    damaged(finished, newer)
    assert "format 99" in failure(
        capsys, "test", "--config", "mnist_pooling", *SHORT, "--ckpt_path", "damaged.ckpt"
    )


def test_a_bad_checkpoint_named_in_a_file(finished, capsys):
    text = (finished / "config.yaml").read_text()
    assert text.count("ckpt_path: null") == 1
    Path("mine.yaml").write_text(text.replace("ckpt_path: null", "ckpt_path: missing.ckpt"))
    assert "ckpt_path: there is no file missing.ckpt" in failure(capsys, "run", "mine.yaml")


def test_a_finished_run_says_who_wrote_it(finished):
    content = torch.load(finished / "checkpoints" / "last.ckpt", weights_only=True)
    assert content["lightning_snn"]["format"] == 5
    assert content["lightning_snn"]["version"]
    settings = str(content["hyper_parameters"])
    assert "'class_path': 'lightning_snn.STDP'" in settings
    assert "lightning_snn.plasticity" not in settings
    assert content["hyper_parameters"]["seed"] == 1
