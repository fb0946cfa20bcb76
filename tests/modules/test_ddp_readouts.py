"""Readouts with and without gradients on one process and on two."""

from pathlib import Path

import pytest
import torch
from helpers.expected_warnings import OTHER_CALLBACKS, UNWIRED
from helpers.several import run_script
from helpers.tensors import assert_same

pytestmark = [pytest.mark.ddp, UNWIRED, OTHER_CALLBACKS]

SCRIPT = """
import sys
from functools import partial
from pathlib import Path

import torch
from lightning.pytorch import Trainer

sys.path.insert(0, TESTS)
from helpers.quadrants import Quadrants
from lightning_snn import *

devices, folder = int(sys.argv[1]), Path(sys.argv[2])
torch.set_num_threads(1)

KINDS = {
    "ridge": {},
    "mixed": {"control_readouts": {"pixels": partial(MLP, num_hidden=20, dropout=0.0)}},
    "inverse": {"readout": partial(MLP, dropout=0.0), "control_readouts": {"pixels": Ridge}},
}

if __name__ == "__main__":
    for name, options in KINDS.items():
        layers = {
            "retina": SpikingLayer(Torus(160, side=12.0), Izhikevich()),
            "lgn": SpikingLayer(Torus(20, side=12.0), LIF(10.0), projection=partial(Dense, gain=40.0)),
        }
        model = SpikingClassifier(
            layers, ConstantCurrent(10, gain=60.0), **{"readout": Ridge, **options}, num_classes=4,
            image_size=(8, 8), controls=["pixels"], few_labels=[3, 20], seed=0,
            optimizer=partial(torch.optim.SGD, lr=0.1),
        )
        trainer = Trainer(
            accelerator="cpu", devices=devices, strategy="ddp" if devices > 1 else "auto", max_epochs=3,
            logger=False, enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False,
            use_distributed_sampler=False, limit_val_batches=1,
        )
        trainer.fit(model, Quadrants(), weights_only=True)
        torch.save(model.state_dict(), folder / f"{name}-{trainer.global_rank}.pt")
    if devices > 1:
        torch.distributed.destroy_process_group()  # left to the interpreter's end, it may abort
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of the run on one process and on two, and what the two complained of."""
    base = tmp_path_factory.mktemp("runs")
    text = SCRIPT.replace("TESTS", repr(str(Path(__file__).parents[1])))
    run_script(base / "1", text, 1)
    said = run_script(base / "2", text, 2)
    return base / "1", base / "2", said


@pytest.mark.parametrize("name", ["ridge", "mixed", "inverse"])
def test_all_readouts_learn_what_they_do_on_one(runs, name):
    one, two, _ = runs
    expected, first, second = (
        torch.load(path, weights_only=True)
        for path in (one / f"{name}-0.pt", two / f"{name}-0.pt", two / f"{name}-1.pt")
    )
    assert_same(second, first)
    learned = [key for key in expected if "readouts." in key and key.endswith(("weight", "bias"))]
    assert len(learned) >= 12
    for key in learned:
        assert expected[key].any()
        torch.testing.assert_close(first[key], expected[key], rtol=1e-4, atol=1e-5, msg=key)


def test_none_is_waited_for_in_vain(runs):
    *_, said = runs
    assert "find_unused_parameters" not in said
    assert "unused" not in said
