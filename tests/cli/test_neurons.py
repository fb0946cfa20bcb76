"""Neuron models of the package and of a user's file in a recipe: trained by the command, and back again."""

from pathlib import Path

import pytest
from helpers.expected_warnings import OF_COMMANDS
from helpers.models import as_users_file
from helpers.small_runs import SHORT

from lightning_snn import SpikingClassifier
from lightning_snn.cli.main import main

pytestmark = [*OF_COMMANDS, pytest.mark.usefixtures("in_an_empty_folder", "undrawn")]

LAYERS = """
model:
  class_path: lightning_snn.SpikingClassifier
  init_args:
    layers:
      input:
        geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 60, side: 28.0}}
        neuron: {class_path: lightning_snn.AdaptiveLIF, init_args: {tau_mem: 5.0}}
      own:
        geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 20, side: 28.0}}
        neuron: {class_path: adex.AdEx, init_args: {learn: [tau_w], surrogate: triangle}}
        projection: {class_path: lightning_snn.Dense, init_args: {gain: 20000.0, trainable: true}}
      hidden:
        geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 15, side: 28.0}}
        neuron: lightning_snn.PLIF
        projection: {class_path: lightning_snn.Dense, init_args: {gain: 20.0, trainable: true}}
      out:
        geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 10, side: 28.0}}
        neuron: lightning_snn.LeakyIntegrator
        projection: {class_path: lightning_snn.Dense, init_args: {gain: 20.0, trainable: true}}
    encoder: {class_path: lightning_snn.ConstantCurrent, init_args: {num_steps: 20, gain: 20.0}}
    learning_rates: {own: 0.01, hidden: 0.01, out: 0.01}
data:
  class_path: lightning_snn.MNIST
  init_args: {source: embedded, batch_size: 50}
trainer: {max_epochs: 1}
seed_everything: 0
"""


def test_neurons_of_a_recipe_learn_and_come_back(monkeypatch, tmp_path):
    as_users_file(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("neurons.yaml").write_text(LAYERS)
    assert main(["run", "neurons.yaml", *SHORT]) == 0
    (folder,) = (Path("runs") / "neurons").iterdir()
    again = SpikingClassifier.load_from_checkpoint(folder / "checkpoints" / "last.ckpt", weights_only=True)
    neurons = {name: again.network.layer(name).neuron for name in again.network.names}
    assert type(neurons["own"]).__name__ == "AdEx"
    learned = {name for name, _ in again.network.named_parameters() if "learned" in name}
    assert {name.rpartition(".")[2] for name in learned} == {"tau_w", "tau_mem"}
    for value, first in ((neurons["own"].tau_w, 144.0), (neurons["hidden"].tau_mem, 2.0)):
        assert value.item() == pytest.approx(first, rel=0.2)
        assert value.item() != pytest.approx(first, rel=1e-6)
