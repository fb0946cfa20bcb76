"""Batch normalisation: two processes see what one process sees, with maps and without."""

import socket
import subprocess
import sys

import pytest
import torch
from torch.nn import BatchNorm1d

from lightning_snn.core import batch_norm
from lightning_snn.core.batch_norm import PooledBatchNorm
from lightning_snn.readout.feature_norm import FeatureNorm

SCRIPT = """
import runpy
import sys
import warnings

import torch

warnings.simplefilter("error")
torch.set_num_threads(1)
PooledBatchNorm = runpy.run_path(sys.argv[4])["PooledBatchNorm"]  # not all of the package: faster

rank, port, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.distributed.init_process_group(
    "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2,
)
batches = torch.load(f"{folder}/batches.pt", weights_only=True)
norm, found = PooledBatchNorm(5), []
norm.weight.data += torch.arange(5)
for number, (features, weight, sizes) in enumerate(batches):
    features, weight = (part.split(sizes.tolist())[rank] for part in (features, weight))
    features = features.clone().requires_grad_()
    normal = norm(features)
    (normal * weight).sum().backward()
    found.append([normal.detach(), features.grad])
alone = norm.eval()(batches[0][0][:1])
torch.save([found, norm.state_dict(), alone], f"{folder}/{rank}.pt")
torch.distributed.barrier()
torch.distributed.destroy_process_group()
"""
SIZES = [(4, 4, 0), (3, 1, 0), (1, 1, 0), (5, 2, 0), (2, 3, 7), (1, 1, 4)]
"""Samples of each process, and places; without these ``[n, C]``."""


def batches():
    generator = torch.Generator().manual_seed(0)
    for *sizes, places in SIZES:
        shape = (2, sum(sizes), 5, places) if places else (2, sum(sizes), 5)
        features, weight = torch.randn(shape, generator=generator)
        yield 0.9 + 0.1 * features, weight, torch.tensor(sizes)


@pytest.mark.ddp
def test_two_processes_see_the_statistics_of_one(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    torch.save(list(batches()), tmp_path / "batches.pt")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    command = [sys.executable, tmp_path / "script.py"]
    started = [
        subprocess.Popen([*command, str(rank), str(port), tmp_path, batch_norm.__file__]) for rank in (0, 1)
    ]
    assert [process.wait(timeout=60) for process in started] == [0, 0]
    parts = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    norm = PooledBatchNorm(5)
    norm.weight.data += torch.arange(5)
    for number, (features, weight, _) in enumerate(batches()):
        features.requires_grad_()
        normal = norm(features)
        (normal * weight).sum().backward()
        for place, expected in enumerate((normal.detach(), features.grad)):
            together = torch.cat([part[0][number][place] for part in parts])
            torch.testing.assert_close(together, expected, rtol=1e-4, atol=1e-4)
    for _, state, alone in parts:
        assert state.keys() == norm.state_dict().keys()
        for name, value in norm.state_dict().items():
            torch.testing.assert_close(state[name], value)
        torch.testing.assert_close(alone, norm.eval()(next(batches())[0][:1]))


def test_one_process_keeps_the_bits_of_batch_norm():
    norm, expected = FeatureNorm(5), BatchNorm1d(5, eps=4e-4, affine=False)
    for features, _, _ in list(batches())[:4]:
        assert torch.equal(norm(features), expected(features))
    assert norm.state_dict().keys() == expected.state_dict().keys()
    for name, value in expected.state_dict().items():
        assert torch.equal(norm.state_dict()[name], value)


def test_a_sample_that_is_a_batch_of_its_own():
    norm = FeatureNorm(5)
    norm(next(batches())[0])
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    sample = torch.rand(1, 5)
    assert torch.equal(norm(sample), norm.eval()(sample))
    for name, value in norm.state_dict().items():
        assert torch.equal(value, before[name])
