"""Phases on one process and on two: the same parameters after each of them."""

from pathlib import Path

import pytest
import torch
from helpers.several import run_script
from helpers.tensors import assert_same

pytestmark = pytest.mark.ddp

SCRIPT = """
import sys
from functools import partial
from pathlib import Path

import torch
from lightning.pytorch import Trainer

sys.path.insert(0, TESTS)
from helpers.phased import Watch, phased
from helpers.quadrants import Quadrants

devices, folder = int(sys.argv[1]), Path(sys.argv[2])
torch.set_num_threads(1)


if __name__ == "__main__":
    model, watch = phased(optimizer=partial(torch.optim.SGD, lr=0.05)), Watch()
    trainer = Trainer(
        accelerator="cpu", devices=devices, strategy="ddp" if devices > 1 else "auto", max_epochs=3,
        logger=False, enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False,
        use_distributed_sampler=False, limit_val_batches=1, callbacks=[watch],
    )
    trainer.fit(model, Quadrants(), weights_only=True)
    torch.save(watch.epochs, folder / f"{trainer.global_rank}.pt")
    if devices > 1:
        torch.distributed.destroy_process_group()  # left to the interpreter's end, it may abort
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """States after each epoch: of one process, of the first of two and of the second; what the two said."""
    base = tmp_path_factory.mktemp("runs")
    text = SCRIPT.replace("TESTS", repr(str(Path(__file__).parents[1])))
    run_script(base / "1", text, 1)
    said = run_script(base / "2", text, 2)
    paths = (base / "1" / "0.pt", base / "2" / "0.pt", base / "2" / "1.pt")
    return *(torch.load(path, weights_only=True) for path in paths), said


def test_processes_agree_after_each_phase(runs):
    one, first, second, _ = runs
    trained = [name for name in one[0] if not torch.equal(one[0][name], one[-1][name])]
    assert len(trained) == 5
    for alone, here, there in zip(one, first, second, strict=True):
        assert_same(here, there)
        for name in trained:
            torch.testing.assert_close(here[name], alone[name], rtol=1e-4, atol=1e-5, msg=name)


def test_none_is_waited_for_in_vain(runs):
    assert "unused" not in runs[-1]
