"""``initialisation=`` of a module: at once or on its data, once, and the same after a checkpoint."""

from functools import partial

import pytest
import torch
from helpers.expected_warnings import OF_COMMANDS
from lightning.pytorch import Callback, Trainer

import lightning_snn as snn
from lightning_snn.cli.main import main

pytestmark = [*OF_COMMANDS, pytest.mark.usefixtures("in_an_empty_folder")]


class Constant(snn.Initialisation):
    """Of a user's own: all weights are one number."""

    def __init__(self, value: float = 0.5) -> None:
        self.value = value

    def start(self, network, *, projections, inputs=None, agree=None):
        for projection in (network.weighted | projections).values():
            projection.rewire({"weight": torch.full_like(projection.weight, self.value)})


def model(initialisation, seed=0, **options):
    layers = {
        "a": snn.SpikingLayer(snn.Square(49, side=28.0), snn.LIF(5.0)),
        "b": snn.SpikingLayer(snn.Square(20, side=1.0), snn.LIF(5.0), projection=partial(
            snn.Dense, trainable=True)),
    }  # fmt: skip
    encoder = snn.ConstantCurrent(8, gain=6.0)
    return snn.SpikingClassifier(
        layers, encoder, snn.Linear, seed=seed, initialisation=initialisation, **options
    )


def trainer(epochs=1, **options):
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    return Trainer(max_epochs=epochs, accelerator="cpu", limit_val_batches=0, **quiet, **options)


def digits(count=120):
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.rand(count, 1, 28, 28, generator=generator), torch.arange(count) % 10
    dataset = torch.utils.data.TensorDataset(images, labels)
    return torch.utils.data.DataLoader(dataset, batch_size=40)


def test_drawn_weights_are_there_at_once_and_come_back_with_their_name():
    made, plain = model(snn.FluctuationDriven(1.5, rate=40.0)), model(None)
    again = plain.network
    snn.initialise(again, snn.FluctuationDriven(1.5, rate=40.0))
    assert torch.equal(made.network.projections["b"].weight, again.projections["b"].weight)
    assert made.hparams["initialisation"] == {
        "class_path": "lightning_snn.FluctuationDriven", "init_args": {"xi": 1.5, "rate": 40.0},
    }  # fmt: skip


def test_data_scale_weights_once_and_a_resumed_run_goes_on(tmp_path):
    first = model(snn.LSUV(2.0))
    before = first.network.projections["b"].weight.detach().clone()
    whole = trainer(2, default_root_dir=tmp_path, enable_checkpointing=False)
    assert not first.starting.done
    whole.fit(first, digits(), digits())
    assert first.starting.done
    assert not torch.equal(first.network.projections["b"].weight, before)

    half = trainer(1, default_root_dir=tmp_path, enable_checkpointing=False)
    half.fit(model(snn.LSUV(2.0)), digits(), digits())
    half.save_checkpoint(tmp_path / "half.ckpt")
    resumed = model(snn.LSUV(2.0))
    trainer(2, default_root_dir=tmp_path, enable_checkpointing=False).fit(
        resumed, digits(), digits(), ckpt_path=tmp_path / "half.ckpt"
    )
    assert torch.equal(resumed.network.projections["b"].weight, first.network.projections["b"].weight)

    loaded = snn.SpikingClassifier.load_from_checkpoint(tmp_path / "half.ckpt")
    assert isinstance(loaded.starting.initialisation, snn.LSUV)
    assert loaded.starting.done
    other = half.model.network.projections["b"].weight
    assert torch.equal(loaded.network.projections["b"].weight, other)


def test_the_currents_of_training_samples_have_the_deviation():
    found = model(snn.LSUV(2.0), optimizer=partial(torch.optim.SGD, lr=1e-12))
    trainer(enable_checkpointing=False).fit(found, digits(), digits())
    images = digits().dataset.tensors[0]
    current = found.encoders["a"].encode(images, found.network.layer("a").geometry, dt=1.0)
    with torch.no_grad():
        _, _, recorded = found.network(current, record={"b": ["current"]})
    assert recorded["b"]["current"].std().item() == pytest.approx(2.0, rel=0.1)


def test_data_without_numbers_are_refused():
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            yield from digits().dataset

    with pytest.raises(ValueError, match=r"LSUV looks at training samples by their number, .* got Stream"):
        trainer(enable_checkpointing=False).fit(
            model(snn.LSUV()), torch.utils.data.DataLoader(Stream(), batch_size=40), digits()
        )


def test_one_of_a_users_own_comes_back(tmp_path):
    made, path = model(Constant(0.25)), tmp_path / "own.ckpt"
    assert (made.network.projections["b"].weight == 0.25).all()
    fitted = trainer(enable_checkpointing=False)
    fitted.fit(made, digits(), digits())
    fitted.save_checkpoint(path)
    loaded = snn.SpikingClassifier.load_from_checkpoint(path)
    assert isinstance(loaded.starting.initialisation, Constant)
    assert torch.equal(loaded.network.projections["b"].weight, made.network.projections["b"].weight)


def test_a_phase_sets_gains_and_thresholds_before_gradients_train(tmp_path):
    rule = snn.GainControl(100.0, deviation=0.7, tolerance=0.3)
    layers = {
        "a": snn.SpikingLayer(snn.Square(49, side=28.0), snn.LIF(5.0)),
        "b": snn.SpikingLayer(snn.Square(20, side=1.0), snn.LIF(5.0), projection=partial(
            snn.Dense, trainable=True, rule=rule)),
    }  # fmt: skip
    made = snn.SpikingClassifier(layers, snn.ConstantCurrent(8, gain=6.0), snn.Linear, seed=0)
    first = made.network.projections["b"].weight.detach().clone()
    phase = snn.SelfOrganization(
        snn.SmoothNoise(6.0), num_streams=16, chunk=8, max_steps=30 * 16 * 8, check_every_n_rounds=1
    )
    fitted = trainer(enable_checkpointing=False, callbacks=[phase])
    wired = {}

    class Watch(Callback):
        def on_train_start(self, trainer, pl_module):
            wired.update(
                {name: value.clone() for name, value in pl_module.network.projections["b"].wiring.items()}
            )

    fitted.callbacks.append(Watch())
    fitted.fit(made, digits(), digits())
    projection = made.network.projections["b"]
    ratio = wired["weight"] / first
    torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio))  # one factor for the layer
    assert not torch.allclose(ratio, torch.ones_like(ratio))
    assert (wired["threshold_rise"] != 0).any()
    assert not torch.equal(projection.weight, wired["weight"])  # trained
    assert torch.equal(projection.threshold_rise, wired["threshold_rise"])
    fitted.save_checkpoint(tmp_path / "own.ckpt")
    loaded = snn.SpikingClassifier.load_from_checkpoint(tmp_path / "own.ckpt").network.projections["b"]
    assert torch.equal(loaded.threshold_rise, projection.threshold_rise)
    assert torch.equal(loaded.weight, projection.weight)


RECIPE = """
model:
  class_path: lightning_snn.SpikingClassifier
  init_args:
    layers:
      a: {geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 49, side: 28.0}}, neuron: LIF}
      b:
        geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 20, side: 28.0}}
        neuron: LIF
        projection: {class_path: lightning_snn.Dense, init_args: {trainable: TRAINED}}
    encoder: {class_path: lightning_snn.ConstantCurrent, init_args: {num_steps: 4}}
    readout: Linear
    initialisation: NAME
data: {class_path: lightning_snn.MNIST, init_args: {source: embedded}}
trainer:
  {max_epochs: 1, limit_train_batches: 2, limit_val_batches: 1, limit_test_batches: 1, accelerator: cpu}
seed_everything: 0
"""


def command(name, *, trained="true"):
    with open("own.yaml", "w") as file:
        file.write(RECIPE.replace("NAME", name).replace("TRAINED", trained))
    return main(["run", "own.yaml"])


def test_yaml_names_them():
    assert command("{class_path: LSUV, init_args: {deviation: 2.0, num_samples: 20}}") == 0


@pytest.mark.parametrize(
    ("name", "trained", "words"),
    [
        ("Kaimming", "true", ["did you mean lightning_snn.Kaiming?", "FluctuationDriven, Kaiming, LSUV"]),
        ("{class_path: Kaiming, init_args: {scal: 2.0}}", "true", ["scal"]),
        ("Kaiming", "false", ["trainable: true", "the network has none"]),
    ],
    ids=["class", "argument", "nothing trained"],
)
def test_mistakes_get_a_sentence(name, trained, words, capsys):
    assert command(name, trained=trained) == 2
    said = capsys.readouterr().err
    for word in words:
        assert word in said
    assert len(said.strip().splitlines()) <= 2
