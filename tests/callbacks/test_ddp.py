"""The same run on one process and on two: the phase bit for bit, the readout up to rounding."""

import numpy as np
import pytest
import torch
from helpers.expected_warnings import NEW_FOLDER, OTHER_CALLBACKS, SAME_FOLDER, UNWIRED
from helpers.several import run_script
from helpers.tensors import assert_same

pytestmark = [pytest.mark.ddp, UNWIRED, OTHER_CALLBACKS, SAME_FOLDER, NEW_FOLDER]

SCRIPT = """
import shutil
import sys
from functools import partial
from pathlib import Path

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_snn import *

devices, folder, ckpt_path = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
torch.set_num_threads(1)


class Digits(MNIST):
    def setup(self, stage=None):
        super().setup(stage)
        sizes = {"train_set": 200, "val_set": 50, "test_set": 101}
        for name, size in sizes.items():
            setattr(self, name, getattr(self, name).subset(torch.arange(size)))


class Watched(SpontaneousWaves):
    # in the fifth round the folder is as a power cut would leave it
    def currents(self, network, connection, *, round_number, streams, **options):
        if round_number == 4 and 0 in streams and not ckpt_path:
            shutil.copy(folder / "self_organization.ckpt", folder / "power_cut.ckpt")
        options["streams"] = streams
        return super().currents(network, connection, round_number=round_number, **options)


class Report(Callback):
    def write(self, trainer, name, value):
        torch.save(value, folder / f"{name}-{trainer.global_rank}.pt")

    def on_train_start(self, trainer, model):  # after the phase, before DDP's first broadcast
        self.write(trainer, "phase", {k: v.clone() for k, v in model.network.state_dict().items()})

    def on_fit_end(self, trainer, model):
        self.write(trainer, "fit", model.state_dict())

    def on_test_epoch_end(self, trainer, model):
        self.write(trainer, "confusion", model.confusion.compute())

    def on_test_end(self, trainer, model):
        self.write(trainer, "test", dict(trainer.callback_metrics))


def build():
    torch.manual_seed(0)
    retina = SpikingLayer(
        Torus(160, side=12.0), Izhikevich("heterogeneous"),
        lateral=LateralKernel(inhibition_range=3.0), lateral_active="development",
    )
    rule = STDP(0.3, threshold=3.0, threshold_jump=0.5)
    lgn = SpikingLayer(Torus(20, side=12.0), LIF(10.0), projection=partial(Dense, rule=rule, gain=40.0))
    wiring = partial(Dense, rule=PairSTDP(0.002, 0.001), homeostasis=[TargetRate(20.0, 0.05)], gain=2.0)
    cortex = SpikingLayer(
        Torus(15, side=12.0), LIF(20.0), projection=wiring, lateral=LateralInhibition(AntiHebbian(0.5)),
    )
    return SpikingClassifier(
        {"retina": retina, "lgn": lgn, "cortex": cortex}, ConstantCurrent(10, gain=60.0),
        partial(Linear, standardise="feature"),
        controls={
            "random": Control("random"), "both": Control("random", ["cortex", "lgn"], gain=3.0),
            "first": Control("initial", "cortex"),
        },
        few_labels=[20, 3], optimizer=partial(torch.optim.SGD, lr=0.5),
    )


if __name__ == "__main__":
    stimuli = {"lgn": Watched(), "cortex": Images(ConstantCurrent(25, gain=60.0), seed=1)}
    phase = SelfOrganization(
        stimuli, num_streams=4, chunk=25, max_steps=800, stop_at=1.0, check_every_n_rounds=2,
        every_n_rounds=2,
    )
    trainer = Trainer(
        accelerator="cpu", devices=devices, strategy="ddp" if devices > 1 else "auto", max_epochs=2,
        logger=False, enable_progress_bar=False, use_distributed_sampler=False, default_root_dir=folder,
        callbacks=[
            phase, Report(), ModelCheckpoint(folder),
            Recorder({"retina": ["spikes"], "lgn": ["v"]}, every_n_batches=5, every_n_rounds=4),
        ],
    )
    model, data = build(), Digits(batch_size=20, eval_batch_size=20, perturbations=["shifted"])
    trainer.fit(model, data, ckpt_path=ckpt_path[0] if ckpt_path else None, weights_only=True)
    trainer.test(model, data, verbose=False)
"""


EXACT = (
    "test/accuracy", "test/macro_f1", "test/accuracy_random", "test_shifted/accuracy",
    "test_20_labels/accuracy",
)  # fmt: skip
"""What is measured to the same bits on any number of processes."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of the run on one process and on two."""
    base = tmp_path_factory.mktemp("runs")
    for devices in (1, 2):
        run_script(base / str(devices), SCRIPT, devices)
    return base / "1", base / "2"


def load(folder, name, rank=0):
    return torch.load(folder / f"{name}-{rank}.pt", weights_only=True)


def test_the_phase_is_the_same_on_every_process(runs):
    one, two = runs
    expected = load(one, "phase")
    assert bool(expected["connections.lgn.projection.wired"])
    assert expected["connections.cortex.projection.variables.threshold_rise"].any()
    assert expected["connections.cortex_lateral.projection.weight"].any()
    assert_same(load(two, "phase", rank=0), expected)
    assert_same(load(two, "phase", rank=1), expected)


def test_the_readout_learns_the_same_up_to_rounding(runs):
    one, two = runs
    expected = load(one, "fit")
    assert_same(load(two, "fit", rank=1), load(two, "fit", rank=0))
    for name, value in load(two, "fit").items():
        assert torch.allclose(value, expected[name], rtol=1e-5, atol=1e-5), name


def test_the_first_process_records_the_same(runs):
    one, two = (sorted((run / "recordings").iterdir()) for run in runs)
    assert [path.name for path in one] == [path.name for path in two]
    assert {path.name.split("_")[0] for path in one} == {"lgn", "cortex", "train", "validate"}
    for path, other in zip(one, two, strict=True):
        found, expected = np.load(other), np.load(path)
        assert set(found) == set(expected)
        if path.name.startswith(("lgn", "cortex")):
            assert all(np.array_equal(found[key], expected[key]) for key in expected), path.name


def test_every_test_sample_counts_once(runs):
    one, two = runs
    assert load(one, "confusion").sum() == 101
    for rank in (0, 1):
        assert torch.equal(load(two, "confusion", rank), load(one, "confusion"))
        for key in EXACT:
            assert load(two, "test", rank)[key] == load(one, "test")[key], key
        for key in ("test/rate_lgn", "test/sparsity_retina"):
            assert load(two, "test", rank)[key].item() == pytest.approx(load(one, "test")[key].item()), key


def test_a_phase_begun_on_two_processes_goes_on_on_one(runs, tmp_path):
    one, two = runs
    path = two / "power_cut.ckpt"
    saved = torch.load(path, weights_only=True)["callbacks"]["SelfOrganization"]
    assert saved["round"] == 4
    assert {len(leaf) for leaf in saved["streams"]} == {4}
    run_script(tmp_path / "resumed", SCRIPT, 1, path)
    assert_same(load(tmp_path / "resumed", "phase"), load(one, "phase"))
    assert_same(load(tmp_path / "resumed", "fit"), load(one, "fit"))
