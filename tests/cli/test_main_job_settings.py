"""The recipe ``mnist``, small, with other steps, sizes and precisions, and with parts of the user's own."""

import json
import math
from pathlib import Path

import pytest
import torch
from helpers.commands import run_in
from helpers.expected_warnings import OF_COMMANDS
from helpers.small_runs import SHORT, SMALL_COLUMNS

from lightning_snn import MNIST, SpikingClassifier
from lightning_snn.core.config import to_config

pytestmark = [*OF_COMMANDS, pytest.mark.usefixtures("in_an_empty_folder", "undrawn")]

ALONE = ["--model.controls=null", "--model.control_readouts=null"]
OPTIONS = [*SHORT, *SMALL_COLUMNS, "--trainer.max_epochs=1"]


def scores_of(run):
    return json.loads((run / "results.json").read_text())["networks"]


def model_of(run):
    return SpikingClassifier.load_from_checkpoint(run / "checkpoints" / "last.ckpt", weights_only=True).eval()


@torch.no_grad()
def evoked(run):
    """What the first digits of the test evoke."""
    return model_of(run).present(next(iter(MNIST(eval_batch_size=64).test_dataloader())).image)


@pytest.fixture(scope="module")
def step_of_1(tmp_path_factory):
    """What digits of 30 ms evoke with steps of 1 ms."""
    run = run_in(tmp_path_factory.mktemp("one"), "mnist", *OPTIONS, *ALONE, "--model.encoder.num_steps=30")
    return evoked(run)


@pytest.mark.parametrize("dt", [0.5, 0.1])
def test_finer_steps_see_much_the_same(tmp_path, step_of_1, dt):
    options = [f"--model.dt={dt}", f"--model.encoder.num_steps={round(30 / dt)}"]
    run = run_in(tmp_path, "mnist", *OPTIONS, *ALONE, *options)
    found = evoked(run)
    assert model_of(run).network.weighted["columns"].rule.dt == dt
    features, before = (shown.features["network"] for shown in (found, step_of_1))
    assert features.isfinite().all()
    assert (features >= 0).all()
    assert torch.corrcoef(torch.stack([features.flatten(), before.flatten()]))[0, 1] > 0.7
    ratio = found.rate.mean(0) / step_of_1.rate.mean(0)  # of retina and features, in Hz
    assert (ratio > 0.5).all()
    assert (ratio < 2).all()


def test_one_image_at_a_time_and_one_step(tmp_path):
    options = ["--data.batch_size=1", "--data.eval_batch_size=1", "--model.encoder.num_steps=1"]
    run = run_in(tmp_path, "mnist", *OPTIONS, *options)
    scores = scores_of(run)
    assert len(scores) == 7
    assert all(math.isfinite(value) for found in scores.values() for value in found.values())
    assert {found["accuracy"] for found in scores.values()} <= {0.0, 1.0}  # of a single digit


def test_double_precision_wires_the_same(tmp_path, step_of_1):
    options = ["--model.encoder.num_steps=30", "--trainer.precision=64-true"]
    run = run_in(tmp_path, "mnist", *OPTIONS, *options)
    assert torch.equal(evoked(run).features["network"], step_of_1.features["network"])
    readout = model_of(run).readout
    assert all(value.isfinite().all() for value in readout.state_dict().values())


MINE = '''
import torch

import lightning_snn


class Dimmed(lightning_snn.Perturbation):
    """Makes an image darker."""

    axis = "light taken away (share)"

    def __init__(self, share: float = 0.5) -> None:
        self.share = share

    @property
    def strength(self) -> float:
        return self.share

    def one(self, image, generator):
        return image * (1 - self.share)


class Together(lightning_snn.LearningRule):
    """A weight rises by how often unit and input have spiked in the same step."""

    needs_post = True
    connected_above = 0.1

    def __init__(self, rate: float = 0.01) -> None:
        self.rate = rate

    def initial(self, num_pre, num_post, generator):
        return {"weight": torch.rand(num_post, num_pre, generator=generator)}

    def open(self, wiring, num_rows):
        return {}

    def learn(self, activity, wiring, stream):
        post = activity.require_post()
        together = torch.einsum("trk,trf->rkf", post, activity.pre)
        return {"together": together, "spikes": post.sum(0)}, {}

    def merge(self, wiring, proposal, streams, steps):
        rise = self.rate * streams.sum(proposal["together"].sum(0))
        return wiring | {"weight": (wiring["weight"] + rise).clamp(0, 1)}
'''


@pytest.fixture
def mine():
    Path("mine_of_main_job.py").write_text(MINE, encoding="utf-8")
    return "mine_of_main_job"


def test_a_perturbation_of_ones_own(tmp_path, mine):
    kinds = [{"class_path": f"{mine}.Dimmed", "init_args": {"share": share}} for share in (0.9, 0.5, 1.0)]
    given = json.dumps({"dimmed": kinds, "noise": {"class_path": "GaussianNoise"}})
    run = run_in(tmp_path, "mnist", *OPTIONS, *ALONE, f"--data.perturbations={given}")
    (found,) = scores_of(run).values()
    assert {"accuracy", "dimmed", "dimmed_0.5", "dimmed_1", "noise"} < found.keys()
    assert found["dimmed_1"] < 0.3  # one answer for all


def test_a_rule_of_ones_own(tmp_path, mine):
    options = [f"--model.connections.columns.projection.rule={mine}.Together"]
    options += ["--model.connections.columns.projection.rule.rate=0.5"]
    options += ["--model.connections.columns.projection.gain=300", "--model.encoder.num_steps=30"]
    small = [option for option in OPTIONS if ".rule.horizon" not in option]
    run = run_in(tmp_path, "mnist", *small, *options)
    model = model_of(run)
    columns = model.network.weighted["columns"]
    assert to_config(columns.rule)["class_path"] == f"{mine}.Together"
    assert columns.rule.rate == 0.5
    assert not torch.equal(columns.weight, columns.initial_weight())
    assert scores_of(run).keys() == model.readouts.keys() > {"network", *model.controls}
