"""Norms, dropout, skips and delays in a module: resumed runs, files."""

from functools import partial

import pytest
import torch
from helpers.expected_warnings import OTHER_CALLBACKS, SAME_FOLDER
from helpers.phased import phased
from helpers.tensors import assert_same
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_snn import (
    LIF,
    SEW,
    TEBN,
    Connection,
    ConstantCurrent,
    CrossEntropy,
    DelayedDense,
    Dense,
    LayerNorm,
    Linear,
    OneToOne,
    SpikingClassifier,
    SpikingLayer,
    Square,
    TDBatchNorm,
    TrainingPhase,
)

pytestmark = [OTHER_CALLBACKS, SAME_FOLDER]


def module():
    units, neuron = Square(20, side=4.0), LIF(5.0, learn=["tau_mem"])
    layers = {
        "image": SpikingLayer(Square(64, side=28.0), LIF(3.0)),
        "stem": SpikingLayer(
            units, neuron, projection=partial(Dense, trainable=True, norm=TDBatchNorm(), dropout=0.3)
        ),
        "inner": SpikingLayer(
            units,
            neuron,
            projection=partial(DelayedDense, max_delay=2.0, trainable=True, norm=TEBN(6)),
            lateral=partial(Dense, trainable=True, norm=LayerNorm(alpha=0.2), dropout=0.2),
        ),
        "joined": SpikingLayer(units, SEW("iand"), projection=OneToOne),
    }
    skip = {"skip": Connection("stem", "joined", OneToOne, input="residual")}
    encoder = ConstantCurrent(num_steps=6, gain=5.0)
    return SpikingClassifier(layers, encoder, Linear, connections=skip, image_size=(8, 8), seed=0)


def test_a_run_goes_on_from_a_step_in_an_epoch_and_files_bring_blocks_back(trainer, data, tmp_path):
    whole = module()
    before = {name: value.clone() for name, value in whole.state_dict().items()}
    at_steps = ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=1, save_top_k=-1)
    trainer(at_steps, max_epochs=2).fit(whole, data)
    last = whole.trainer.global_step
    resumed = module()
    path = tmp_path / f"step={last - 4}.ckpt"
    trainer(max_epochs=2).fit(resumed, data, ckpt_path=path, weights_only=True)
    assert_same(resumed.state_dict(), whole.state_dict())
    changed = {name for name, value in whole.state_dict().items() if not torch.equal(value, before[name])}
    connections = "network.connections."
    assert changed >= {
        f"{connections}stem.projection.norm.norm.running_mean",
        f"{connections}stem.projection.norm.norm.weight",
        f"{connections}inner.projection.own_delay",
        f"{connections}inner.projection.norm.step_weight",
        f"{connections}inner_lateral.projection.norm.norm.weight",
        f"{connections}inner_lateral.projection.weight",
    }
    found = SpikingClassifier.load_from_checkpoint(tmp_path / f"step={last}.ckpt", weights_only=True)
    images = torch.rand(3, 1, 8, 8)
    assert torch.equal(found.eval()(images), whole.eval()(images))


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, True),
        ({"dropout": 0.1}, False),
        ({"norm": TDBatchNorm()}, False),
        ({"norm": LayerNorm()}, True),
    ],
)
def test_features_are_kept_where_training_mode_changes_nothing(options, kept):
    units = Square(20, side=4.0)
    layers = {
        "image": SpikingLayer(Square(64, side=28.0), LIF(3.0)),
        "units": SpikingLayer(units, LIF(5.0), projection=partial(Dense, **options)),
    }
    phases = {"readout": TrainingPhase(epochs=1, train=["readout"])}
    make = partial(SpikingClassifier, layers, ConstantCurrent(num_steps=6), Linear, phases=phases, seed=0)
    assert make().cache == kept
    assert make().network.projections["units"].repeatable == kept
    if not kept:
        with pytest.raises(ValueError, match=r"cache must not be True where .* not repeatable"):
            make(cache=True)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("loss", "CrossEntropy"),
        ("loss", CrossEntropy),
        ("learning", "EProp"),
        ("initialisation", "Kaiming"),
        ("regularisers", ["RateBounds"]),
        ("regularisers", {"rates": "RateBounds"}),
        ("phases", {"all": {"train": "all"}}),
    ],
)
def test_what_is_no_object_of_its_kind_is_refused_by_its_key(argument, value):
    with pytest.raises(ValueError, match=rf"^{argument}[.\w]* must be an? \w+, such as .*, got"):
        phased(**{"phases": None, argument: value})


def test_what_is_no_norm_is_refused_by_its_key():
    with pytest.raises(ValueError, match=r"norm must be a Normalisation, such as .*, got 'TEBN'"):
        Dense(4, 2, norm="TEBN")
