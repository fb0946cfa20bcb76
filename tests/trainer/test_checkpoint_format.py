"""Checkpoints that earlier versions wrote load and predict the same."""

from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import pytest
import torch
from helpers.expected_warnings import OTHER_CALLBACKS
from lightning.pytorch import Trainer

from lightning_snn import STDP, SpikingClassifier, Torus
from lightning_snn.core.config import public_path
from lightning_snn.core.random import PLAIN
from lightning_snn.core.settings import take_seeds
from lightning_snn.core.time import mean_of_decay
from lightning_snn.data import BatchLoader, ImageDataset
from lightning_snn.trainer.checkpoint_checks import check_can_resume
from lightning_snn.trainer.checkpoint_format import FORMAT, STAMP, translate

FOLDER = Path(__file__).parent / "format_1"
STACKED = Path(__file__).parent / "format_3"
TIMED = Path(__file__).parent / "format_4"

found = torch.load(FOLDER / "scores.pt", weights_only=True)


@pytest.mark.parametrize("name", ["waves", "convolution", "diehl_cook"])
def test_format_1_predicts_the_same(name):
    """Written by version 0.1.0, before networks had a seed; ``scores.pt`` holds what it said of digits."""
    check_predictions(FOLDER, name)


@pytest.mark.parametrize("name", ["pooled", "inhibited"])
def test_format_3_predicts_the_same(name):
    """Written by the last version with stacks: pooling, inhibition that no one named, learned inhibition."""
    check_predictions(STACKED, name)


@pytest.mark.parametrize("name", ["timed", "halved"])
def test_format_4_predicts_the_same(name):
    """Written before weights were charges: delays, kinetics and conductances in loops, dt = 1 and .5."""
    check_predictions(TIMED, name)


def test_delays_of_format_4_take_as_long():
    projections = {
        name: SpikingClassifier.load_from_checkpoint(
            TIMED / f"{name}.ckpt", map_location="cpu"
        ).network.projections
        for name in ("timed", "halved")
    }
    found = {name: {key: p.delay for key, p in those.items()} for name, those in projections.items()}
    assert found["timed"] == {"hidden": 2.0, "cells": None, "again": 4.0, "back": None, "others": None}
    assert found["halved"] == {"hidden": 2.0, "cells": None, "again": 3.5, "back": 0.5, "others": 0.5}


def check_predictions(folder, name):
    stored = torch.load(folder / "scores.pt", weights_only=True)
    model = SpikingClassifier.load_from_checkpoint(folder / f"{name}.ckpt", map_location="cpu").eval()
    with torch.no_grad():
        features = model.present(stored["images"].float() / 255).features
        scores = {network: model.readouts[network](values) for network, values in features.items()}
    assert torch.equal(features["network"], stored[name]["features"])
    expected = {key: value for key, value in stored[name].items() if key != "features"}
    torch.testing.assert_close(scores, expected)


@OTHER_CALLBACKS
@pytest.mark.parametrize("name", ["pooled", "inhibited"])
def test_a_fit_goes_on_from_format_3(name, tmp_path):
    path = STACKED / f"{name}.ckpt"
    stored = torch.load(STACKED / "scores.pt", weights_only=True)
    model = SpikingClassifier.load_from_checkpoint(path, map_location="cpu")
    images = ImageDataset(stored["images"], labels=stored["labels"], sample=torch.arange(12))
    quiet = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary"), False)
    before = model.readout.state_dict()
    before = {key: value.clone() for key, value in before.items()}
    trainer = Trainer(max_epochs=2, accelerator="cpu", default_root_dir=tmp_path, **quiet)
    loader = BatchLoader(images, batch_size=6, shuffle=False)
    trainer.fit(model, loader, loader, ckpt_path=path, weights_only=True)
    assert (trainer.current_epoch, trainer.global_step) == (2, 4)
    after = model.readout.state_dict()
    assert any(not torch.equal(after[key], value) for key, value in before.items())


def test_inhibition_of_format_3_that_no_one_named():
    model = SpikingClassifier.load_from_checkpoint(STACKED / "pooled.ckpt", map_location="cpu")
    connection = model.network.connection("unnamed_lateral")
    assert (connection.source, connection.target, connection.input) == ("unnamed", "unnamed", "inhibition")
    assert connection.projection.strength == pytest.approx(17.0 / mean_of_decay(2.0, 1.0))


@pytest.mark.parametrize(("encoder", "told"), [("Poisson", True), ("ConstantCurrent", False)])
def test_pulses_of_format_4_that_drive_a_leak_at_another_dt(encoder, told):
    settings = {
        "layers": {"a": {"geometry": {}, "neuron": {"class_path": "lightning_snn.LIF", "init_args": {}}}},
        "encoder": {"class_path": f"lightning_snn.{encoder}", "init_args": {}},
        "dt": 0.5,
    }
    checkpoint = {"state_dict": {}, "hyper_parameters": settings, "lightning_snn": {"format": 4}}
    with pytest.warns(UserWarning, match="multiply their amplitude by dt") if told else nullcontext():
        translate(checkpoint)


@pytest.fixture
def legacy():
    return torch.load(FOLDER / "waves.ckpt", weights_only=True)


def test_format_1_draws_what_it_drew():
    """A seed of 0 where a part had none; the numbers are those of torch's generator for that seed."""
    model = SpikingClassifier.load_from_checkpoint(FOLDER / "waves.ckpt", map_location="cpu")
    assert model.hparams.seed == "plain"
    assert int(model.network.seed) == PLAIN
    for name, seed in {"retina": 0, "lgn": 5}.items():
        place = 12 * torch.rand(len(model.network.layer(name).positions), 2, generator=_generator(seed))
        assert torch.equal(model.network.layer(name).geometry.positions, place)
    first = 0.2 + 0.3 * torch.rand(24, 160, generator=_generator(0))
    assert torch.equal(model.network.projections["lgn"].initial_weight(), first)


def _generator(seed):
    return torch.Generator().manual_seed(seed)


def test_translated_once_it_stays(legacy):
    translate(legacy)
    settings = str(legacy["hyper_parameters"])
    assert "lightning_snn.Torus" in settings
    assert "lightning_snn.geometry" not in settings
    translate(legacy)
    assert str(legacy["hyper_parameters"]) == settings
    assert list(legacy["state_dict"]).count("network.seed") == 1


def test_a_newer_format_is_refused(legacy):
    legacy[STAMP] = {"format": FORMAT + 1, "version": "7.0"}
    with pytest.raises(ValueError, match=rf"format {FORMAT + 1} \(lightning-snn 7.0\).* up to {FORMAT}"):
        translate(legacy)


@pytest.mark.parametrize("stamp", ["2", {}, {"format": "2"}])
def test_a_stamp_without_a_format_is_refused(legacy, stamp):
    legacy[STAMP] = stamp
    with pytest.raises(ValueError, match="the checkpoint does not say its format"):
        translate(legacy)


def test_no_run_goes_on_without_the_state_of_its_optimizer():
    whole = {"optimizer_states": [{}], "lr_schedulers": [], "loops": {}}
    check_can_resume(whole)
    with pytest.raises(ValueError, match="the checkpoint holds no optimizer_states, so no run can go on"):
        check_can_resume(whole | {"optimizer_states": []})


def test_a_list_is_no_state(legacy):
    legacy["state_dict"] = [1, 2]
    with pytest.raises(ValueError, match="holds no tensors by name"):
        translate(legacy)


@OTHER_CALLBACKS
def test_a_trainer_reads_format_1():
    """Lightning loads the file itself; the module translates what it is handed."""
    path = str(FOLDER / "convolution.ckpt")
    model = SpikingClassifier.load_from_checkpoint(path, map_location="cpu")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict({name: torch.zeros_like(value) for name, value in before.items()})
    images = ImageDataset(found["images"], labels=found["labels"], sample=torch.arange(10))
    loader = BatchLoader(images, batch_size=10, shuffle=False)
    quiet = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary"), False)
    trainer = Trainer(accelerator="cpu", enable_checkpointing=False, **quiet)
    (scores,) = trainer.test(model, loader, ckpt_path=path, weights_only=True, verbose=False)
    assert scores["test/accuracy"] == pytest.approx(0.9)
    for name, value in before.items():
        assert torch.equal(model.state_dict()[name], value), name


@pytest.mark.parametrize("cls", [Torus, STDP, SpikingClassifier, torch.optim.Adam])
def test_public_paths_can_be_imported(cls):
    package, _, name = public_path(cls).rpartition(".")
    assert getattr(import_module(package), name) is cls
    assert package in ("lightning_snn", "torch.optim")


def test_a_file_with_more_than_tensors_is_only_read_where_the_user_trusts_it(legacy, tmp_path):
    path = tmp_path / "more.ckpt"
    torch.save(legacy | {"callbacks": {"mine": Path}}, path)
    with pytest.raises(ValueError, match=r"more.ckpt holds more than tensors .*weights_only=False"):
        SpikingClassifier.load_from_checkpoint(path, map_location="cpu")
    model = SpikingClassifier.load_from_checkpoint(path, map_location="cpu", weights_only=False)
    assert model.network.names == ["retina", "lgn"]


def test_seeds_go_only_where_there_is_a_seed():
    """Else the constructor of another class would be blamed, and not what differs be named."""
    config = {"encoder": {"init_args": {"gain": 1.0}}, "data": {"seed": None}}
    take_seeds(config, {"encoder": {"init_args": {"seed": 5}}, "data": {"seed": 3}}, root=1)
    assert config == {"encoder": {"init_args": {"gain": 1.0}}, "data": {"seed": 3}}


@pytest.mark.parametrize(("stored", "taken"), [(None, 4), (7, 4), (1, 1)])
def test_a_seed_that_is_named_stays_unless_the_run_had_one_for_all(stored, taken):
    config = {"lgn": {"seed": 4}}
    take_seeds(config, {"lgn": {"seed": stored}}, root=1)
    assert config == {"lgn": {"seed": taken}}


def test_arguments_that_nobody_gave_are_none_as_they_are_now():
    """Older formats wrote what a classifier took in their place, and a run must go on with the same."""
    settings = {"layers": {}, "controls": [], "encoder": {"class_path": "lightning_snn.ConstantCurrent"}}
    settings["encoder"]["init_args"] = {}
    checkpoint = {"state_dict": {}, "hyper_parameters": settings, "lightning_snn": {"format": 3}}
    assert translate(checkpoint)
    assert checkpoint["hyper_parameters"] == {"layers": {}, "controls": None, "encoder": None}
