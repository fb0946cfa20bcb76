"""Generated kernels on disk: for later processes, exported programs, and where there is no disk."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import pytest
import torch
from helpers.tensors import assert_equal, rand

from lightning_snn import LIF, IntegrateFire, NeuronModel
from lightning_snn.neurons import running
from lightning_snn.ops import kernel_cache
from lightning_snn.ops.compiler import store

FILE = """
import torch

import lightning_snn as snn


class Mine(snn.NeuronModel):
    '''A model of a user's own.'''

    state = {"v": 0.0}
    tau: snn.Parameter = snn.constant(default=2.0, above=0.0)

    def step(self, current, state, p, dt):
        v = state.v + (current - state.v) * torch.exp(-dt / p.tau)
        spikes = self.spike(v - 1)
        return spikes, self.State(torch.where(spikes.detach() > 0, 0.0, v))
"""
RUN = """
import json
import sys
from pathlib import Path

import torch
from mine import Mine

from lightning_snn.ops.compiler import store



class Spikes(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, current):
        return self.model(current)[0]


model, current = Mine(tau=3.0), 3 * torch.rand(9, 2, 5, generator=torch.Generator().manual_seed(0))
leaf = current.clone().requires_grad_()
spikes, _ = model(leaf)
spikes.sum().backward()
program = Path("model.pt2")
if not program.exists():
    torch.export.save(torch.export.export(Spikes(model), (current,)), program)
exported = torch.export.load(program).module()(current)
kernels = [
    function
    for name, module in list(sys.modules.items())
    if name.startswith("snn_numba_")
    for function in vars(module).values()
    if hasattr(function, "stats")
]
found = {
    "compiled": sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels),
    "loaded": sum(sum(kernel.stats.cache_hits.values()) for kernel in kernels),
    "planned": "networkx" in sys.modules,
    "spikes": spikes.detach().flatten().tolist(),
    "exported": exported.flatten().tolist(),
    "gradient": leaf.grad.flatten().tolist(),
}
print(json.dumps(found))
"""


def process(folder):
    """What a process that runs a model of a user's own, and its exported program, prints."""
    (folder / "mine.py").write_text(FILE)
    (folder / "run.py").write_text(RUN)
    paths = os.pathsep.join([str(folder), *filter(None, [str(Path(store.__file__).parents[3])])])
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "run.py"], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_second_process_compiles_nothing_and_loads_an_exported_program(tmp_path):
    first, second = process(tmp_path), process(tmp_path)
    assert first["compiled"] > 2
    assert (second["compiled"], second["planned"]) == (0, False)
    assert second["loaded"] >= 2  # the scan and its gradient
    assert sum(first["spikes"]) > 5
    for name in ("spikes", "gradient", "exported"):
        assert first[name] == second[name]
    assert second["exported"] == second["spikes"]


@pytest.fixture
def move(monkeypatch):
    """``move(folder)``: from now on compiled models lie there, as in a process that starts so."""

    def to(folder):
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
        monkeypatch.setattr(numba.config, "CACHE_DIR", str(folder))
        monkeypatch.setattr(running, "_programs", {})
        store._folder.cache_clear()
        store.load.cache_clear()

    yield to
    monkeypatch.undo()
    store._folder.cache_clear()
    store.load.cache_clear()


def files(folder):
    return sorted(path.name for path in folder.glob("snn_*"))


def test_an_exported_program_without_its_kernels_says_what_to_do(move, tmp_path):
    current = rand(4, 2, 3)
    exported = torch.export.export(IntegrateFire(), (current,)).module()
    assert_equal([exported(current)[0]], [IntegrateFire()(current)[0]])
    move(tmp_path)
    message = rf"there is no compiled neuron model \w+ in {tmp_path}: run the model .* NUMBA_CACHE_DIR"
    with pytest.raises(FileNotFoundError, match=message):
        exported(current)
    IntegrateFire()(current)
    assert_equal([exported(current)[0]], [IntegrateFire()(current)[0]])


def doubling(factor):
    class Cell(NeuronModel):
        """A class that a notebook defines anew."""

        state = {"v": 0.0}
        graded = True

        def step(self, current, state, p, dt):
            v = state.v + current * factor
            return v, self.State(v)

    return Cell()


def test_a_class_defined_anew_with_other_equations_runs_those():
    current = rand(3, 2, 4)
    for factor in (2.0, 3.0, 2.0):
        torch.testing.assert_close(doubling(factor)(current)[0], (factor * current).cumsum(0))


def test_the_same_equations_are_compiled_once(move, tmp_path):
    move(tmp_path)
    doubling(2.0)(rand(3, 2, 4))
    there = files(tmp_path)
    doubling(2.0)(rand(5, 1, 7))
    assert files(tmp_path) == there
    assert len(there) == 3  # both forms, and their keys
    doubling(4.0)(rand(3, 2, 4))
    assert len(files(tmp_path)) == 6


def test_numbers_are_given_when_it_runs(move, tmp_path):
    move(tmp_path)
    for tau in range(2, 12):
        LIF(float(tau), threshold=1 + tau / 10)(rand(3, 2, 4))
    assert len(files(tmp_path)) == 3


def test_without_a_place_on_disk_it_runs_from_a_folder_of_the_process(move, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way of a folder")
    expected = IntegrateFire()(rand(4, 2, 3))
    move(tmp_path / "file")
    monkeypatch.setattr(kernel_cache, "_warned", False)
    monkeypatch.setattr(numba.config, "CACHE_LOCATOR_CLASSES", "UserProvidedCacheLocator")
    with pytest.warns(UserWarning, match="no place for compiled kernels on disk") as caught:
        found = IntegrateFire()(rand(4, 2, 3))
    assert len(caught) == 1
    assert_equal([found[0], *found[1]], [expected[0], *expected[1]])
    assert store._folder().name.startswith("lightning_snn")
    assert store._folder() != tmp_path / "file"


@pytest.mark.parametrize("size", [0, 21, 300])
@pytest.mark.parametrize("kind", ["snn_keys_*", "snn_numba_*"])
def test_files_that_are_cut_off_are_written_again(move, tmp_path, kind, size):
    move(tmp_path)
    expected = IntegrateFire()(rand(4, 2, 3))[0]
    (path,) = tmp_path.glob(kind)
    whole = path.read_bytes()
    path.write_bytes(whole[:size])
    move(tmp_path)
    assert torch.equal(IntegrateFire()(rand(4, 2, 3))[0], expected)
    assert path.read_bytes() == whole


def test_a_folder_that_is_deleted_meanwhile_is_made_again(move, tmp_path):
    move(tmp_path / "cache")
    current = rand(4, 2, 3)
    IntegrateFire()(current)
    shutil.rmtree(tmp_path / "cache")
    leaf = current.clone().requires_grad_()
    IntegrateFire()(leaf)[1].v.sum().backward()
    assert leaf.grad.any()
    assert [*(tmp_path / "cache").glob("snn_numba_*.py")]


def test_threads_may_compile_a_model_at_once(move, tmp_path):
    move(tmp_path)
    model, current = IntegrateFire(), rand(4, 2, 3)
    with ThreadPoolExecutor(4) as pool:
        found = [x[0] for x in pool.map(lambda _: model(current), range(4))]
    move(tmp_path)
    for one in found:
        assert torch.equal(one, model(current)[0])
    assert not [name for name in files(tmp_path) if not name.endswith((".py", ".txt"))]
