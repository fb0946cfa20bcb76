"""Norms, dropout, skips and delays on the command line, by their names."""

from pathlib import Path

import pytest
from helpers.commands import failure
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import SHORT

from lightning_snn import SEW, TEBN, DelayedDense, LayerNorm, OneToOne, TDBatchNorm

pytestmark = [*OF_COMMANDS, pytest.mark.usefixtures("in_an_empty_folder", "undrawn")]

BLOCKS = """
model:
  class_path: lightning_snn.SpikingClassifier
  init_args:
    layers:
      image:
        geometry: {class_path: lightning_snn.Maps, init_args: {channels: 1, height: 28, width: 28}}
        neuron: Relay
      stem:
        geometry: {class_path: lightning_snn.Maps, init_args: {channels: 2, height: 12, width: 12}}
        neuron: LIF
        projection:
          class_path: Conv2d
          init_args: {kernel_size: 5, stride: 2, trainable: true, norm: TDBatchNorm, dropout: 0.1}
      joined:
        geometry: {class_path: lightning_snn.Maps, init_args: {channels: 2, height: 12, width: 12}}
        neuron: {class_path: SEW, init_args: {combine: add}}
        projection: OneToOne
      out:
        geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 9, side: 3.0}}
        neuron: LIF
        projection:
          class_path: DelayedDense
          init_args: {max_delay: 3.0, trainable: true, norm: {class_path: TEBN, init_args: {num_steps: 4}}}
        lateral: {class_path: Dense, init_args: {trainable: true, norm: LayerNorm}}
    connections:
      skip: {source: stem, target: joined, input: residual, projection: OneToOne}
    encoder: {class_path: lightning_snn.ConstantCurrent, init_args: {num_steps: 4}}
    readout: Linear
data: {class_path: lightning_snn.MNIST, init_args: {source: embedded}}
trainer: {max_epochs: 1}
seed_everything: 0
"""
LAYERS = "--model.layers"


@pytest.fixture(autouse=True)
def recipe(in_an_empty_folder):
    del in_an_empty_folder
    Path("blocks.yaml").write_text(BLOCKS)


def test_blocks_by_name(built):
    network = built("run", "blocks.yaml", *SHORT, f"{LAYERS}.stem.projection.norm.alpha=0.5").model.network
    made = network.projections
    assert isinstance(made["stem"].norm, TDBatchNorm)
    assert (made["stem"].norm.alpha, made["stem"].dropout) == (0.5, 0.1)
    assert isinstance(network.layer("joined").neuron, SEW)
    assert isinstance(made["skip"], OneToOne)
    assert isinstance(made["out"], DelayedDense)
    assert isinstance(made["out"].norm, TEBN)
    assert isinstance(made["out_lateral"].norm, LayerNorm)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (f"{LAYERS}.stem.projection.norm=TDBatchNrm", "class 'TDBatchNrm' (did you mean lightning_snn.TDB"),
        (f"{LAYERS}.stem.projection.drop=0.1", "Conv2d has no argument 'drop' (did you mean dropout?)"),
        (f"{LAYERS}.stem.projection.norm.alfa=2", "TDBatchNorm has no argument 'alfa' (did you mean alpha?)"),
        (
            f"{LAYERS}.joined.neuron.combine=xor",
            "neuron.combine must be one of 'add', 'and', 'iand', got 'xor'",
        ),
        (
            f"{LAYERS}.joined.projection=OneToAll",
            "there is no class 'OneToAll' (did you mean",
        ),
        (
            f"{LAYERS}.out.projection.max_dely=1",
            "DelayedDense has no argument 'max_dely' (did you mean",
        ),
        (f"{LAYERS}.out.projection.max_delay=0.3", "layers.out.projection: max_delay must be a whole number"),
        (f"{LAYERS}.out.lateral.norm=TDBatchNorm", "Dense with norm TDBatchNorm must see a whole sequence"),
        (f"{LAYERS}.out.lateral.dropout=1", "layers.out.lateral: dropout must be at least 0 and below 1"),
    ],
)
def test_mistakes_are_one_sentence(capsys, option, message):
    assert message in failure(capsys, "run", "blocks.yaml", *SHORT, option)
