"""One thread, as tests are small and may run beside other work; a small network, images and Trainer."""

import lightning_snn

lightning_snn.tune_process()  # before torch is imported

import functools
import hashlib
import operator
import os
import tempfile
import threading
from functools import partial
from pathlib import Path

import pytest
import torch
from lightning.pytorch import LightningDataModule, Trainer
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
from lightning_snn.data import BatchLoader, ImageDataset
from lightning_snn.plasticity import Streams

# Lightning 2.6 itself calls what jsonargparse 4.5 deprecates
os.environ["JSONARGPARSE_DEPRECATION_WARNINGS"] = "off"

# numba's cache does not notice changes of functions that a kernel calls from other files
_sources = sorted(Path(lightning_snn.__file__).parent.glob("ops/**/*.py"))
_state = hashlib.sha256(b"".join(path.read_bytes() for path in _sources)).hexdigest()[:16]
os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(tempfile.gettempdir(), f"lightning_snn-numba-{_state}"))

SIDE = 12.0


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded():
    """What is built without a seed takes one from torch's generator: the same in every run of a test."""
    torch.manual_seed(0)


class ThreadedStreams(Streams):
    """Streams of one of several processes, each a thread here, that meet at a barrier."""

    def __init__(self, total, first, count, board, barrier):
        super().__init__(total, first=first, count=count)
        self.board, self.barrier = board, barrier
        self.process = first

    def exchange(self, values):
        self.board[self.process] = values
        self.barrier.wait(timeout=30)
        found = [self.board[process] for process in sorted(self.board)]
        self.barrier.wait(timeout=30)
        return found

    def gather(self, values):
        return torch.cat(self.exchange(values))

    def sum(self, values):
        return functools.reduce(operator.add, self.exchange(values))


@pytest.fixture
def split_streams():
    """``(total, sizes)`` to the streams of each process."""

    def split(total, sizes):
        board, barrier = {}, threading.Barrier(len(sizes))
        firsts = [sum(sizes[:i]) for i in range(len(sizes))]
        return [ThreadedStreams(total, *part, board, barrier) for part in zip(firsts, sizes, strict=True)]

    return split


class Quadrants(LightningDataModule):
    """8 x 8 images of four classes, each bright in another quadrant; 60 to train, 30 to validate and test."""

    def __init__(self, batch_size=20):
        super().__init__()
        self.batch_size = batch_size
        generator = torch.Generator().manual_seed(0)
        labels = torch.arange(120) % 4
        images = torch.randint(0, 100, (120, 1, 8, 8), generator=generator)
        for image, label in zip(images, labels.tolist(), strict=True):
            row, column = 4 * (label // 2), 4 * (label % 2)
            image[0, row : row + 4, column : column + 4] += 100
        whole = ImageDataset(images.to(torch.uint8), labels=labels, sample=torch.arange(120))
        parts = torch.arange(120).split([60, 30, 30])
        self.train_set, self.val_set, self.test_set = (whole.subset(part) for part in parts)

    def train_dataloader(self):
        limit = 1.0 if self.trainer is None else self.trainer.limit_train_batches
        return BatchLoader(self.train_set, batch_size=self.batch_size, shuffle=True, seed=1, limit=limit)

    def val_dataloader(self):
        return BatchLoader(self.val_set, batch_size=20, shuffle=False)

    def test_dataloader(self):
        return BatchLoader(self.test_set, batch_size=20, shuffle=False)

    predict_dataloader = test_dataloader


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
