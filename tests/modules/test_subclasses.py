"""Subclasses of the user come back from a checkpoint with their own arguments, built in Python or by YAML."""

import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from helpers.expected_warnings import NEW_FOLDER, UNWIRED

from lightning_snn import (
    LIF,
    STDP,
    ConstantCurrent,
    Dense,
    Izhikevich,
    LateralKernel,
    Linear,
    SpikingClassifier,
    SpikingLayer,
    Square,
    Torus,
)
from lightning_snn.callbacks import figures
from lightning_snn.cli.main import main
from lightning_snn.core.config import to_config


class SoftLIF(LIF):
    def __init__(self, *args, extra=1.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.extra = extra


class SlowSTDP(STDP):
    def __init__(self, factor: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor


class Flat(Torus):
    def __init__(self, num_nodes: int, **others):
        super().__init__(num_nodes, **others)


def test_arguments_in_args_and_kwargs_are_stored_under_their_names():
    assert to_config(SoftLIF(10.0, extra=2.0, reset="soft"))["init_args"] == {
        "tau_mem": 10.0,
        "extra": 2.0,
        "reset": "soft",
    }
    assert to_config(SlowSTDP(learning_rate=0.1))["init_args"] == {"learning_rate": 0.1}
    assert to_config(Flat(9, side=3.0))["init_args"] == {"num_nodes": 9, "side": 3.0}


class Forwarding(SpikingClassifier):
    def __init__(self, *args, extra=0.1, **kwargs):
        super().__init__(*args, **kwargs)
        self.extra = extra


class Explicit(SpikingClassifier):
    def __init__(self, nodes: int, extra: float = 0.1):
        super().__init__(layers(nodes), ConstantCurrent(5), Linear, num_classes=4, image_size=(8, 8))
        self.extra = extra


class Fixing(SpikingClassifier):
    def __init__(self, extra: float = 0.1, **kwargs):
        super().__init__(num_classes=4, image_size=(8, 8), **kwargs)
        self.extra = extra


class Saving(SpikingClassifier):
    def __init__(self, layers: dict[str, SpikingLayer], extra: float = 0.1):
        super().__init__(layers, num_classes=4, image_size=(8, 8))
        self.save_hyperparameters()
        self.extra = extra


def layers(nodes=20):
    sheet = SpikingLayer(
        Flat(160, side=12.0),
        Izhikevich("heterogeneous"),
        lateral=LateralKernel(inhibition_range=3.0),
        lateral_active="development",
    )
    wiring = partial(Dense, rule=SlowSTDP(0.25, learning_rate=0.2), gain=40.0)
    return {
        "retina": sheet,
        "lgn": SpikingLayer(Square(nodes, side=12.0), SoftLIF(7.0, extra=3.0), projection=wiring),
    }


SIZES = {"num_classes": 4, "image_size": (8, 8)}


@pytest.mark.parametrize(
    "build",
    [
        lambda: Forwarding(layers(), ConstantCurrent(5), Linear, extra=0.3, **SIZES),
        lambda: Explicit(20, extra=0.3),
        lambda: Fixing(extra=0.3, layers=layers(), encoder=ConstantCurrent(5)),
        lambda: Saving(layers(), 0.3),
    ],
    ids=["forwarding", "explicit", "fixing", "saving"],
)
def test_a_classifier_comes_back(trainer, tmp_path, build):
    model = build()
    run = trainer()
    run.strategy.connect(model)
    run.save_checkpoint(tmp_path / "model.ckpt")
    again = type(model).load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    by_base = SpikingClassifier.load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    for loaded in (again, by_base):
        assert type(loaded) is type(model)
        assert loaded.extra == 0.3
    neuron, rule = again.network.layer("lgn").neuron, again.network.projections["lgn"].rule
    assert (type(neuron), neuron.extra, type(rule), rule.factor) == (SoftLIF, 3.0, SlowSTDP, 0.25)
    assert to_config(neuron)["init_args"]["tau_mem"] == 7.0
    assert to_config(rule)["init_args"]["learning_rate"] == 0.2
    images = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(again.eval()(images), model.eval()(images))


@UNWIRED
def test_a_loaded_classifier_goes_on(trainer, phase, data, tmp_path):
    """Loading spells out the defaults that ``**kwargs`` hide."""
    path = tmp_path / "model.ckpt"
    run = trainer(phase())
    run.fit(Forwarding(layers(), ConstantCurrent(5), Linear, extra=0.3, **SIZES), data)
    run.save_checkpoint(path)
    again = Forwarding.load_from_checkpoint(path, weights_only=True)
    assert "threshold" in to_config(again.network.layer("lgn").neuron)["init_args"]
    trainer(phase(), max_epochs=2).fit(again, data, ckpt_path=path, weights_only=True)


@UNWIRED
def test_classes_that_cannot_be_imported_go_on(trainer, phase, data, tmp_path):
    class Local(LIF):
        pass

    def build():
        parts = layers() | {"lgn": SpikingLayer(Square(20, side=12.0), Local(7.0), projection=Dense)}
        return SpikingClassifier(parts, ConstantCurrent(5), Linear, seed=0, **SIZES)

    run = trainer(phase())
    run.fit(build(), data)
    run.save_checkpoint(tmp_path / "model.ckpt")
    again = trainer(phase(), max_epochs=2)
    again.fit(build(), data, ckpt_path=tmp_path / "model.ckpt", weights_only=True)
    assert again.current_epoch == 2


def test_what_cannot_be_stored_is_refused_at_once():
    with pytest.raises(ValueError, match="extra cannot be stored in a checkpoint"):
        Forwarding(layers(), extra=object(), **SIZES)


MODULE = """
import lightning_snn

class Mine(lightning_snn.SpikingClassifier):
    def __init__(self, *args, extra: float = 0.1, **kwargs):
        super().__init__(*args, **kwargs)
        self.extra = extra

class Cell(lightning_snn.LIF):
    def __init__(self, *, leak: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.leak = leak
"""


@UNWIRED
@NEW_FOLDER
def test_a_classifier_built_by_the_command_line_comes_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(figures, "publish", lambda *_: None)  # drawing takes longest
    Path("mine_of_test_subclasses.py").write_text(MODULE)
    assert main([
        "fit", "--config=mnist_pooling",
        "--model=mine_of_test_subclasses.Mine",
        "--model.extra=0.3",
        "--model.layers.retina.geometry.num_nodes=160",
        "--model.layers.retina.geometry.side=12",
        "--model.layers.lgn.neuron=mine_of_test_subclasses.Cell",
        "--model.layers.lgn.neuron.leak=2.0",
        "--model.layers.lgn.geometry.num_nodes=20",
        "--model.encoder.num_steps=5", "--model.cache=false", "--model.controls=[]",
        "--data.eval_batch_size=50",
        "--self_organization.max_steps=400", "--self_organization.chunk=25",
        "--trainer.max_epochs=1", "--trainer.limit_train_batches=1", "--trainer.limit_val_batches=1",
        "--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false",
        "--trainer.accelerator=cpu",
    ]) == 0  # fmt: skip
    (path,) = Path("runs").rglob("last.ckpt")
    kind = sys.modules["mine_of_test_subclasses"].Mine
    again = kind.load_from_checkpoint(path, weights_only=True)
    assert (type(again), again.extra) == (kind, 0.3)
    assert again.network.layer("lgn").neuron.leak == 2.0
    assert main([
        "test", "--config=mnist_pooling", f"--ckpt_path={path}", "--trainer.limit_test_batches=1",
        "--data.eval_batch_size=50", "--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu",
    ]) == 0  # fmt: skip


@pytest.fixture
def smaller(classifier, trainer, tmp_path):
    """A classifier without controls, and a checkpoint of one with a control."""
    run = trainer()
    run.strategy.connect(classifier(controls=["random"]))
    run.save_checkpoint(tmp_path / "model.ckpt")
    return classifier(), tmp_path / "model.ckpt"


@pytest.mark.filterwarnings("ignore:Found keys that are not in the model state dict")
def test_strict_loading_is_the_users_choice(smaller, trainer, data):
    model, path = smaller
    loaded = SpikingClassifier.load_from_checkpoint(path, strict=False, controls=[])
    assert loaded.controls.keys() == set()
    with pytest.raises(ValueError, match="the checkpoint is of another network"):
        SpikingClassifier.load_from_checkpoint(path, controls=[])
    with pytest.raises(ValueError, match="the checkpoint is of another network"):
        trainer(limit_test_batches=1).test(model, data, ckpt_path=path, weights_only=True, verbose=False)
    model.strict_loading = False
    with pytest.warns(UserWarning, match="are not wired"):
        trainer(limit_test_batches=1).test(model, data, ckpt_path=path, weights_only=True, verbose=False)
