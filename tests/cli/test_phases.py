"""Phases and pieces from YAML and from the command line."""

from pathlib import Path

import pytest
import torch
from helpers.commands import failure
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import SHORT

from lightning_snn import SpikingClassifier
from lightning_snn.cli.main import main

pytestmark = OF_COMMANDS

RECIPE = """
model:
  class_path: lightning_snn.SpikingClassifier
  init_args:
    layers:
      pixels:
        geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 49, side: 28.0, placement: grid}}
        neuron: lightning_snn.LIF
      features:
        geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 20, side: 28.0}}
        neuron: lightning_snn.LIF
        projection: {class_path: lightning_snn.Dense, init_args: {gain: 10.0, trainable: true}}
    encoder: {class_path: lightning_snn.ConstantCurrent, init_args: {num_steps: 10}}
    readout: lightning_snn.Linear
    checkpoint_steps: 4
    phases:
      readout: {epochs: 1, train: [readout], lr: 1e-3}
      finetune: {train: all, lr: {features: 1e-2}, schedule: cosine}
data:
  class_path: lightning_snn.MNIST
  init_args: {source: embedded, batch_size: 50}
trainer: {max_epochs: 3}
seed_everything: 0
"""


@pytest.fixture(autouse=True)
def recipe(in_an_empty_folder):
    del in_an_empty_folder
    Path("phased.yaml").write_text(RECIPE)


@pytest.mark.usefixtures("undrawn")
def test_phases_run_and_run_again_from_the_saved_configuration():
    assert main(["run", "phased.yaml", *SHORT, "--model.phases.readout.epochs", "2"]) == 0
    (folder,) = Path("runs/phased").iterdir()
    Path("again.yaml").write_text((folder / "config.yaml").read_text())
    assert main(["run", "again.yaml"]) == 0
    (second,) = Path("runs/again").iterdir()
    first, again = (
        SpikingClassifier.load_from_checkpoint(one / "checkpoints" / "last.ckpt", weights_only=True)
        for one in (folder, second)
    )
    assert first.plan.epochs is None
    assert first.plan.phases["readout"].epochs == 2
    assert first.pieces.checkpoint_steps == 4
    for name, value in first.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--model.phases.readout.trian=[x]", "TrainingPhase has no argument 'trian' (did you mean train?)"),
        (
            "--model.phases.readout.train=[raedout]",
            "model.phases.readout.train must be one of features, pixels",
        ),
        ("--model.phases.readout.train=[pixels]", "model.phases.readout.train: nothing of pixels is trained"),
        (
            "--model.phases.readout.epochs=0",
            "model.phases.readout.epochs must be a whole number above 0, got 0",
        ),
        ("--model.phases.finetune.schedule=cosin", "model.phases.finetune.schedule must be one of"),
        ("--model.phases.finetune.epochs=1", "the phases take 2 epochs, and the training goes on after them"),
        ("--model.layers.features.projection.trainable=false", "nothing of features is trained"),
        ("--model.checkpoint_steps=0", "model.checkpoint_steps must be a whole number above 0, got 0"),
        ("--model.truncate_steps=x", "model.truncate_steps must be a whole number"),
        (
            "--model.regularisers={a: {class_path: RateBoundz}}",
            "model.regularisers.a: there is no class 'RateBoundz' (did you mean lightning_snn.RateBounds?); "
            "there are RateBounds, SynapticOperations, WeightPenalty",
        ),
        (
            "--model.regularisers={a: {class_path: RateBounds, init_args: {lower: 3, layers: features}}}",
            "model.regularisers.a.layers must be a list, got 'features'",
        ),
        (
            "--model.loss.class_path=lightning_snn.CrosEntropy",
            "(did you mean lightning_snn.CrossEntropy?); there are BinaryCrossEntropy, CrossEntropy, Latency",
        ),
        ("--model.layers.pixels.neuron={class_path: Relay, init_args: {learn: [gain]}}", "Relay has no"),
    ],
)
def test_mistakes_are_one_sentence(capsys, option, message):
    assert message in failure(capsys, "run", "phased.yaml", *SHORT, option)
