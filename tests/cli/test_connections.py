"""Connections, inputs and modules of the user's own on the command line."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from helpers.commands import failure
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import SHORT

from lightning_snn import SpikingClassifier
from lightning_snn.cli.main import main

pytestmark = [*OF_COMMANDS, pytest.mark.usefixtures("in_an_empty_folder", "undrawn")]

GRAPH = """
model:
  class_path: lightning_snn.SpikingClassifier
  init_args:
    layers:
      retina:
        geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 60, side: 28.0}}
        neuron: lightning_snn.LIF
      fast:
        geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 40, side: 28.0}}
        neuron: lightning_snn.LIF
      lgn:
        geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 30, side: 28.0}}
        neuron: lightning_snn.ConductanceLIF
    connections:
      up:
        source: retina
        target: lgn
        projection: {class_path: lightning_snn.Dense, init_args: {gain: 5.0, trainable: true}}
      skip:
        source: fast
        target: lgn
        projection: {class_path: lightning_snn.Dense, init_args: {gain: 5.0}}
      inhibition:
        source: lgn
        target: lgn
        input: inhibition
        projection: {class_path: lightning_snn.UniformInhibition, init_args: {strength: 17.0}}
    dt: 0.5
    encoder:
      retina: {class_path: lightning_snn.ConstantCurrent, init_args: {num_steps: 10}}
      fast: {class_path: lightning_snn.Poisson, init_args: {num_steps: 10}}
    learning_rates: {up: 0.01}
data:
  class_path: lightning_snn.MNIST
  init_args: {source: embedded, batch_size: 50}
trainer: {max_epochs: 1}
seed_everything: 0
"""


@pytest.fixture(autouse=True)
def recipe(in_an_empty_folder):
    del in_an_empty_folder
    Path("graph.yaml").write_text(GRAPH)


def run_folder(name="graph"):
    return sorted((Path("runs") / name).iterdir())[-1]


def test_a_graph_runs_and_comes_back(capsys, request):
    assert main(["run", "graph.yaml", *SHORT]) == 0
    assert "network" in capsys.readouterr().out
    folder = run_folder()
    again = SpikingClassifier.load_from_checkpoint(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert list(again.network.connections) == ["up", "skip", "inhibition"]
    assert again.network.inputs == ["retina", "fast"]
    assert (again.network.dt, again.optimization.rates) == (0.5, {"up": 0.01})
    assert again.network.connection("inhibition").input == "inhibition"
    assert main(["run", str(folder / "config.yaml"), *SHORT]) == 0
    first, other = (
        json.loads((path / "results.json").read_text())["networks"] for path in (folder, run_folder("config"))
    )
    assert first == other
    path = folder / "checkpoints" / "last.ckpt"
    assert main(["test", "--config=graph.yaml", *SHORT, f"--ckpt_path={path}"]) == 0
    build = request.getfixturevalue("built")  # from here on nothing runs
    assert build("run", str(folder / "config.yaml"), *SHORT).model.hparams == again.hparams


def test_one_entry_of_a_connection_on_the_command_line(built):
    args = [
        "run", "graph.yaml", *SHORT,
        "--model.connections.inhibition.projection.strength", "30",
        "--model.connections.up.projection.init_args.gain=7",
        "--model.connections.skip.source=retina",
        "--model.encoder.fast.num_steps=20", "--model.encoder.retina.num_steps=20",
    ]  # fmt: skip
    args.remove("--model.encoder.fast.num_steps=20")
    Path("graph.yaml").write_text(GRAPH.replace("      skip:", "      side:\n        source: fast\n"
        "        target: lgn\n        projection: lightning_snn.Dense\n      skip:"))  # fmt: skip
    model = built(*args).model
    assert model.network.connection("inhibition").projection.strength == 30
    assert model.network.connection("up").projection.gain == 7
    assert model.network.connection("skip").source == "retina"
    assert model.encoders["retina"].num_steps == 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--model.connections.up.source=retnia", "model.connections.up.source must name a layer of"),
        ("--model.connections.up.target=lgm", "model.connections.up.target must name a layer of"),
        ("--model.connections.up.input=inhibtion", "model.connections.up.input"),
        ("--model.connections.up.projection.gian=3", "Dense has no argument 'gian' (did you mean gain?)"),
        (
            "--model.connections.up.projection.gain=x",
            "up.projection.gain must be a number, got 'x'",
        ),
        ("--model.connections.up.activ=always", "Connection has no argument 'activ' (did you mean active?)"),
        ("--model.connections.up.active=never", "model.connections.up.active must be one of"),
        ("--model.connections.down.source=lgn", "model.connections.down.target is missing"),
        (
            "--model.connections.up.projection=Pool",
            "up.projection: there is no class 'Pool'",
        ),
        ("--model.connections=[1]", "model.connections must be names with values, got '[1]'"),
        ("--model.read_from=lgm", "model.read_from must be one of"),
        ("--model.encoder.lgn=Latency", "model.encoder must be one encoder, or one for each of"),
        ("--model.learning_rates.dwon=0.1", "model.learning_rates must be one of"),
        ("--model.dt=0", "model.dt must be a finite number above 0, got 0.0"),
        ("--model.min_delay=-1", "model.min_delay must be a finite number, 0 or above, got -1.0"),
        ("--model.min_delay=0.7", "model.min_delay must be a whole number of steps of dt = 0.5 ms, got 0.7"),
        (
            "--model.connections.inhibition.projection.delay=0",
            "model.connections.inhibition.projection.delay must be at least one step of dt = 0.5",
        ),
        ("--model.controls={a: {kind: gird}}", "must be one of"),
    ],
)
def test_mistakes_are_one_sentence(capsys, options, message):
    assert message in failure(capsys, "run", "graph.yaml", *SHORT, options)


MODULE = '''
import torch
from lightning.pytorch import LightningDataModule, LightningModule
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import lightning_snn as snn


class Wide(LightningModule):
    """No class of the package but the network."""

    def __init__(self, layers: dict[str, snn.SpikingLayer], rate: float = 0.01):
        super().__init__()
        self.save_hyperparameters(ignore="layers")
        self.network = snn.SpikingNetwork(layers)
        self.rate = rate

    def _step(self, batch, stage):
        image, label = batch
        currents = 10 * image.flatten(1)
        spikes, _ = self.network(currents.expand(10, *currents.shape))
        scores = spikes["top"].mean(0)
        loss = F.cross_entropy(scores, label)
        self.log_dict({f"{stage}/loss": loss, f"{stage}/error": (scores.argmax(1) != label).float().mean()})
        return loss

    def training_step(self, batch, batch_idx):
        return self._step(batch, "train")

    def test_step(self, batch, batch_idx):
        self._step(batch, "test")

    def predict_step(self, batch, batch_idx):
        return batch[0].mean()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), self.rate)


class Nothing(LightningModule):
    pass


class Pairs(LightningDataModule):
    def __init__(self, number: int = 40):
        super().__init__()
        self.number = number

    def train_dataloader(self):
        label = torch.arange(self.number) % 4
        return DataLoader(TensorDataset(torch.rand(self.number, 1, 4, 4), label), batch_size=10)

    test_dataloader = predict_dataloader = train_dataloader
'''

OWN = """
model:
  class_path: my_own_module.Wide
  init_args:
    layers:
      eye:
        geometry: {class_path: lightning_snn.Maps, init_args: {channels: 1, height: 4, width: 4}}
        neuron: lightning_snn.LIF
      top:
        geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 4, side: 4.0}}
        neuron: lightning_snn.LIF
        projection: {class_path: lightning_snn.Dense, init_args: {trainable: true, gain: 4.0}}
data: my_own_module.Pairs
trainer: {max_epochs: 2, accelerator: cpu, enable_progress_bar: false, enable_model_summary: false}
seed_everything: 0
"""


@pytest.fixture
def own(recipe):
    del recipe
    Path("my_own_module.py").write_text(MODULE)
    Path("own.yaml").write_text(OWN)


@pytest.mark.filterwarnings("ignore:The .*dataloader.* does not have many workers")
@pytest.mark.filterwarnings("ignore:The number of training batches")
@pytest.mark.usefixtures("own")
def test_a_module_of_the_users_own(capsys):
    assert main(["run", "own.yaml", "--model.rate=0.02"]) == 0
    printed = capsys.readouterr().out
    results = json.loads((run_folder("own") / "results.json").read_text())["networks"]["network"]
    for name in ("loss", "error"):
        assert name in printed
        assert f"{results[name]:.4g}" in printed
    config = yaml.safe_load((run_folder("own") / "config.yaml").read_text())
    assert config["model"]["init_args"]["rate"] == 0.02
    path = run_folder("own") / "checkpoints" / "last.ckpt"
    assert torch.load(path, weights_only=True)["state_dict"][
        "network.connections.top.projection.weight"
    ].any()
    assert (
        main(["run", str(run_folder("own") / "config.yaml"), "--trainer.max_epochs=3", f"--ckpt_path={path}"])
        == 0
    )
    for command in ("fit", "test", "predict"):
        assert main([command, "--config=own.yaml"]) == 0


@pytest.mark.usefixtures("own")
def test_a_module_without_a_network(capsys):
    Path("own.yaml").write_text(
        OWN.replace("Wide", "Nothing").replace("init_args:\n    layers", "_:\n    layers")
    )
    lines = OWN.split("  init_args:\n    layers")[0].replace("Wide", "Nothing") + OWN[OWN.index("data:") :]
    Path("own.yaml").write_text(lines)
    said = failure(capsys, "run", "own.yaml")
    assert "model must be a LightningModule whose attribute network is a SpikingNetwork" in said
    assert "got Nothing" in said


CONTROLS = """
model:
  class_path: lightning_snn.SpikingClassifier
  init_args:
    layers:
      v1:
        geometry: {class_path: lightning_snn.Square, init_args: {num_nodes: 60, side: 28.0}}
        neuron: lightning_snn.LIF
    connections:
      fields:
        source: retina
        target: lgn
        projection: {class_path: lightning_snn.Dense, init_args: {rule: lightning_snn.STDP}}
      columns:
        source: retina
        target: v1
        projection:
          class_path: lightning_snn.Columns
          init_args:
            fields: {class_path: lightning_snn.FoundFields, init_args: {connection: fields, size: 9}}
            rule: lightning_snn.PairSTDP
            gain: 40.0
    controls:
      both:
        class_path: lightning_snn.Control
        init_args: {kind: random, connection: [fields, columns], gain: 2.5}
      first: {class_path: lightning_snn.Control, init_args: {kind: initial, connection: columns}}
"""


def test_controls_of_several_connections(built):
    Path("controls.yaml").write_text(CONTROLS)
    args = ["run", "graph.yaml", "--config", "controls.yaml", *SHORT]
    model = built(*args).model
    both, first = model.controls["both"], model.controls["first"]
    assert (both.kind, both.rewired) == ("random", ["fields", "columns"])
    assert [both.projections[name].gain for name in ("fields", "columns")] == [1.0, 2.5]
    assert (first.kind, first.rewired, first.projections["columns"].gain) == ("initial", ["columns"], 40.0)
    kept = {"kind": "random", "connection": ["fields", "columns"], "gain": 2.5}
    assert model.hparams.controls["both"] == {"class_path": "lightning_snn.Control", "init_args": kept}
    args += ["--model.controls.both.connection=[fields]", "--model.controls.both.gain=3"]
    both = built(*args).model.controls["both"]
    assert (both.rewired, both.projections["fields"].gain) == (["fields"], 3.0)


SHEETS = """
model:
  class_path: lightning_snn.SpikingClassifier
  init_args:
    layers:
      retina:
        geometry:
          class_path: lightning_snn.Damaged
          init_args:
            share: 0.25
            sheet:
              class_path: lightning_snn.Scrambled
              init_args:
                pixel_seed: 5
                neighbours: wrong
                sheet: {class_path: lightning_snn.Square, init_args: {num_nodes: 80, side: 28.0}}
      fast:
        geometry:
          class_path: lightning_snn.Points
          init_args: {positions: l.yaml}
      lgn:
        geometry:
          class_path: lightning_snn.Points
          init_args: {positions: [[0, 0], [28, 0], [14, 14.5], [0, 28]]}
data:
  class_path: lightning_snn.MNIST
  init_args: {scramble: 5}
"""


def test_sheets_in_sheets_scrambled_pixels_and_points_of_a_file():
    Path("sheets.yaml").write_text(SHEETS)
    Path("l.yaml").write_text("\n".join(f"- [{i % 7}, {i}]" for i in range(30)))
    assert main(["run", "graph.yaml", "--config", "sheets.yaml", *SHORT]) == 0
    Path("l.yaml").unlink()  # a checkpoint holds the numbers
    again = SpikingClassifier.load_from_checkpoint(
        run_folder() / "checkpoints" / "last.ckpt", weights_only=True
    )
    retina, fast, lgn = (again.network.layer(name).geometry for name in again.network.names)
    assert (retina.num_nodes, fast.num_nodes, lgn.num_nodes) == (60, 30, 4)
    assert (retina.sheet.pixel_seed, retina.sheet.neighbours) == (5, "wrong")
    assert fast.positions[8].tolist() == [1, 8]
    assert lgn.positions[2].tolist() == [14, 14.5]
