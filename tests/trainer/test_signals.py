"""SIGTERM to one of two processes in the middle of the phase: both save and end."""

import os
import signal
import subprocess
import sys

import pytest
import torch

SCRIPT = """
import os
import signal
import sys
from functools import partial

import torch
from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_snn import *


class Terminated(SpontaneousWaves):
    def currents(self, network, connection, *, round_number, streams, **options):
        if round_number == 2 and 0 not in streams:  # the second process only
            os.kill(os.getpid(), signal.SIGTERM)
        return super().currents(network, connection, round_number=round_number, streams=streams, **options)


torch.set_num_threads(1)
seed_everything(0)  # both processes draw the same network
retina = SpikingLayer(Torus(200, 10.0), LIF(), lateral=LateralKernel(inhibition_range=3.0))
lgn = SpikingLayer(Torus(20, 10.0), LIF(), projection=partial(Dense, rule=STDP()))
phase = SelfOrganization(Terminated(), num_streams=4, chunk=20, max_steps=1_000_000)
Trainer(
    max_epochs=1, accelerator="cpu", devices=2, strategy="ddp", logger=False, enable_progress_bar=False,
    callbacks=[phase, ModelCheckpoint(sys.argv[1])],
).fit(SpikingClassifier({"retina": retina, "lgn": lgn}), MNIST())
"""


@pytest.mark.ddp
def test_sigterm_to_one_of_two_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    # a session of its own, so that nothing survives a failure
    process = subprocess.Popen(
        [sys.executable, script, tmp_path], env=environment, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        _, said = process.communicate(timeout=90)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail("the processes hang")
    checkpoint = tmp_path / "self_organization.ckpt"
    assert checkpoint.is_file(), said.decode()
    state = torch.load(checkpoint, weights_only=True)["callbacks"]["SelfOrganization"]
    assert state["round"] == 3
    assert state["steps"] == 3 * 20 * 4
    assert {len(values) for values in state["streams"]} == {4}
