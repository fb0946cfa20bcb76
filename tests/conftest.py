"""One thread, as tests are small and may run beside other work; a small network, images and Trainer."""

import lightning_snn

lightning_snn.tune_process()  # before torch is imported

import hashlib
import importlib
import os
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest
import torch
from helpers.commands import command_that_builds, draw_nothing
from helpers.image_files import write_noise
from helpers.quadrants import Quadrants
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_snn import (
    LIF,
    STDP,
    ConstantCurrent,
    Dense,
    Izhikevich,
    LateralKernel,
    Linear,
    SelfOrganization,
    SpikingClassifier,
    SpikingLayer,
    Torus,
)
from lightning_snn.cli.recipes import recipe_folder

# Lightning 2.6 itself calls what jsonargparse 4.5 deprecates
os.environ["JSONARGPARSE_DEPRECATION_WARNINGS"] = "off"

# numba's cache does not notice changes of functions that a kernel calls from other files
_package = Path(lightning_snn.__file__).parent
_sources = sorted(_package.glob("ops/**/*.py"))
_state = hashlib.sha256(b"".join(path.read_bytes() for path in _sources)).hexdigest()[:16]
os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(tempfile.gettempdir(), f"lightning_snn-numba-{_state}"))

LONGEST = 250
"""Lines of a file that are no reason to ask."""

SIDE = 12.0


def pytest_xdist_auto_num_workers(config):
    """Folders are worth several processes, by default one a core; a few files are not."""
    return None if any(Path(name).is_dir() for name in config.args) else 0


def pytest_terminal_summary(terminalreporter):
    """A hint, and no failure: one idea a file; a long one may hold two."""
    whole = terminalreporter.config.args_source is pytest.Config.ArgsSource.TESTPATHS
    for path in sorted(_package.rglob("*.py")) if whole else ():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LONGEST:
            name = path.relative_to(_package.parent)
            terminalreporter.write_line(f"{name} has {lines} lines: does it hold more than one idea?")


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def ctrl_c():
    """A shell without job control starts what runs in the background with Ctrl-C ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def seeded():
    """What is built without a seed takes one from torch's generator: the same in every run of a test."""
    torch.manual_seed(0)


@pytest.fixture
def in_an_empty_folder(tmp_path, monkeypatch):
    """The current folder is ``tmp_path``; the search path is after the test what it was before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture(scope="session")
def image_files(tmp_path_factory):
    """A folder with files of MNIST and FashionMNIST, of noise."""
    root = tmp_path_factory.mktemp("images")
    write_noise(root)
    return root


@pytest.fixture
def undrawn(monkeypatch):
    """Commands draw no figures."""
    draw_nothing(monkeypatch)


@pytest.fixture
def built(monkeypatch):
    """``built(*args)``: the model, the Trainer and the data that a command builds; nothing runs."""
    return command_that_builds(monkeypatch)


@pytest.fixture
def load_script(monkeypatch):
    """``load_script(name)``: a script of the recipes, imported; skips where there are none."""
    monkeypatch.syspath_prepend(str(recipe_folder()))
    found = []

    def load(name):
        if not (recipe_folder() / f"{name}.py").is_file():
            pytest.skip("not a checkout")
        found.append(name)
        return importlib.import_module(name)

    yield load
    for name in found:
        sys.modules.pop(name, None)


@pytest.fixture
def data():
    return Quadrants()


def _plastic():
    return partial(Dense, rule=STDP(0.3, threshold=3.0, threshold_jump=0.5), gain=40.0)


@pytest.fixture
def retina():
    """``retina(**changes)``: a sheet of 160 nodes that makes waves."""

    def build(**changes):
        options = {"lateral": LateralKernel(inhibition_range=3.0), "lateral_active": "development", **changes}
        return SpikingLayer(Torus(160, side=SIDE), Izhikevich("heterogeneous"), **options)

    return build


@pytest.fixture
def pooling():
    """``pooling(num_nodes, projection=...)``: a layer of 20 units; STDP wires its projection by default."""

    def build(num_nodes=20, projection=None):
        return SpikingLayer(Torus(num_nodes, side=SIDE), LIF(10.0), projection=projection or _plastic())

    return build


@pytest.fixture
def classifier(retina, pooling):
    """``classifier(layers, **options)``: 160 nodes, 20 units, 10 steps, softmax regression of 4 classes."""

    def build(layers=None, **changes):
        torch.manual_seed(0)
        options = {
            "encoder": ConstantCurrent(10, gain=60.0),
            "readout": Linear,
            "num_classes": 4,
            "image_size": (8, 8),
            "optimizer": partial(torch.optim.Adam, lr=0.05),
            **changes,
        }
        return SpikingClassifier(layers or {"retina": retina(), "lgn": pooling()}, **options)

    return build


@pytest.fixture
def phase():
    """``phase(**changes)``: 8 rounds of 25 steps in 4 streams, whatever becomes of the fields."""

    def build(stimulus=None, **changes):
        options = {
            "num_streams": 4,
            "chunk": 25,
            "max_steps": 800,
            "target_share": 0.3,
            "stop_at": 1.0,
            "check_every_n_rounds": 2,
            **changes,
        }
        return SelfOrganization(stimulus, **options)

    return build


@pytest.fixture
def trainer(tmp_path):
    """``trainer(*callbacks, **options)``: one epoch on the CPU, no loggers, silent."""

    def build(*callbacks, **changes):
        options = {
            "accelerator": "cpu",
            "default_root_dir": tmp_path,
            "max_epochs": 1,
            "logger": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "enable_checkpointing": any(isinstance(c, ModelCheckpoint) for c in callbacks),
            **changes,
        }
        return Trainer(callbacks=list(callbacks), **options)

    return build
