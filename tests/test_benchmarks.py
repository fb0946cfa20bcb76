"""What the benchmarks measure, at small sizes: every model is there, driven well, and does what it should."""

import importlib
import sys
from importlib.util import find_spec

import pytest
import torch

from lightning_snn.cli.recipes import recipe_folder
from lightning_snn.ops import backend

FOLDER = recipe_folder() / "benchmarks"
STEPS, BATCH, NODES = 32, 2, 64

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="not a checkout")


@pytest.fixture
def benchmark(monkeypatch):
    """``benchmark(name)``: a file of the folder as a module."""
    for folder in (FOLDER, FOLDER.parent / "models"):
        monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(FOLDER.parent) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_every_model_of_the_package_is_measured(benchmark):
    neurons = benchmark("neurons")
    measured = {neurons.KINDS[kind].name for kind in neurons.kinds()}
    assert measured == set(benchmark("compile_times").models()) - {"Relay", "SEW"}


@pytest.mark.parametrize("way", ["forward", "both"])
def test_currents_make_some_neurons_spike_and_not_all(benchmark, way):
    neurons = benchmark("neurons")
    for kind in neurons.kinds():
        with backend.use("reference"):  # compiles nothing
            sent = neurons.work(kind, way, STEPS, BATCH, NODES)()
        assert sent.shape == (STEPS, BATCH, NODES)
        if not neurons.model(kind, NODES).graded:
            assert 0.04 < sent.mean() < 0.45, kind


def test_the_networks_of_a_card_run_on_a_cpu(benchmark, monkeypatch):
    networks, neurons = benchmark("gpu_models"), benchmark("neurons")
    few = ["LIF", "Izhikevich", "CurrentLIF", "LeakyIntegrator"]  # each is compiled
    monkeypatch.setattr(neurons, "kinds", lambda: few)
    table = {row[0]: row[1:] for row in networks.rows(networks.Size(8, BATCH, NODES), "cpu", repeats=1)}
    for kind in few:
        taken, peak, rate, error = table[kind]
        assert taken.endswith(" ms")
        assert (peak, error.split(" spikes")[0]) == ("-", f"0 of {8 * BATCH * NODES:,}"), kind
        assert torch.isfinite(torch.tensor(float(rate)))
        assert float(error.rpartition(" ")[2]) < 1e-4
    assert table.keys() > {"linear alone", "snnTorch Leaky", "Norse LSNNCell"}  # or why they do not run


def test_the_models_compared_with_an_earlier_checkout_are_there(benchmark):
    neurons, before_after = benchmark("neurons"), benchmark("before_after")
    pieces = neurons.pieces()
    assert pieces.items() <= before_after.PIECES.items()
    assert {arguments[0] for _, _, arguments in pieces.values()} == set(neurons.FIRST)
    plain = [title for title in pieces if "once a plain loop" in title]
    assert len(plain) == len(neurons.SIZES) * (len(neurons.FIRST) - len(neurons.WITH_GRADIENT))


def test_a_users_adex_spikes_as_its_plain_loop_does(benchmark):
    model = benchmark("own_model").model()
    current = torch.linspace(0, 2000, 32).expand(400, 1, 32)
    with torch.no_grad():
        spikes = model(current)[0]
        with backend.use("reference"):
            expected = model(current)[0]
    assert 0.002 < expected.mean() < 0.02
    assert abs(spikes.sum() - expected.sum()) <= 0.02 * expected.sum()


def test_a_training_step_is_the_same_with_less_memory(benchmark, monkeypatch):
    memory = benchmark("memory")
    for name, size in {"BATCH": 2, "INPUTS": 16, "NODES": 9, "CLASSES": 3, "WARM": 4}.items():
        monkeypatch.setattr(memory, name, size)
    monkeypatch.setitem(memory.WAYS, "checkpoint_steps: 50", {"checkpoint_steps": 5})
    with backend.use("reference"):  # compiles nothing
        found = {way: memory.work(way, 12)() for way in memory.WAYS}
    torch.testing.assert_close(found["checkpoint_steps: 50"], found["at once"], rtol=1e-3, atol=1e-6)
    assert all(gradient.any() and gradient.isfinite().all() for gradient in found.values())
    text = memory.table({way: {12: {"peak": 3.2, "seconds": 0.5}} for way in found}, (12,))
    assert text.splitlines()[-1] == "| 12 | 3 | 3 | 3 | 3 | 3 | 0.50 | 0.50 | 0.50 | 0.50 | 0.50 |"


@pytest.mark.filterwarnings("ignore")  # those of other libraries
@pytest.mark.parametrize("network", ["convolutional", "recurrent"])
def test_a_step_of_a_whole_network_learns_on_every_side_that_is_installed(benchmark, network):
    training = benchmark("training")
    sides = ("ours", *(side for side in training.PEERS if find_spec(side.lower())))
    for side in sides:
        step = training.work(network, side, 4, 8)
        losses = [float(step()) for _ in range(8)]
        assert losses[-1] < losses[0], side


@pytest.mark.filterwarnings("ignore")
def test_whole_networks_are_measured_on_any_device(benchmark):
    training = benchmark("training")
    found = [*training.on_device("cpu", {"recurrent": (3, 2)}, repeats=1)]
    assert [row[0].rpartition(" ")[2] for row in found] == ["bare", "ours", *training.PEERS]
    assert all(row[1].endswith(" ms") or "does not run" in row[1] for row in found)
