"""Checkpoint files: whole or as they were, wherever the writing ends."""

import errno
import os
import signal
import tempfile

import pytest
import torch
from helpers.expected_warnings import SAME_FOLDER, UNWIRED
from lightning.fabric.plugins.io import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_snn.trainer.checkpoint_file import WholeFiles, check_whole

pytestmark = [UNWIRED, SAME_FOLDER]


@pytest.fixture
def path(tmp_path):
    """A checkpoint that holds 1."""
    path = tmp_path / "some.ckpt"
    WholeFiles().save_checkpoint({"state_dict": {"weight": torch.tensor(1.0)}}, path)
    return path


def value(path):
    return WholeFiles().load_checkpoint(path, weights_only=True)["state_dict"]["weight"].item()


def names(path):
    return [entry.name for entry in path.parent.iterdir()]


@pytest.mark.parametrize("where", ["fsync", "replace"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device")])
def test_a_write_that_ends_early_leaves_the_old_file(path, monkeypatch, where, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(os, where, fail)
    with pytest.raises(BaseException, match="No space" if isinstance(error, OSError) else None) as raised:
        WholeFiles().save_checkpoint({"state_dict": {"weight": torch.tensor(2.0)}}, path)
    assert raised.value is error or raised.type is error
    monkeypatch.undo()
    assert value(path) == 1
    assert names(path) == ["some.ckpt"]


def test_a_full_disk(path):
    """A limit of the file's size is the nearest to a full disk that a test can make."""
    resource = pytest.importorskip("resource")
    size = path.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            WholeFiles().save_checkpoint({"state_dict": {"weight": torch.zeros(10_000)}}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert value(path) == 1
    assert names(path) == ["some.ckpt"]


@pytest.mark.filterwarnings("ignore:.*is multi-threaded, use of fork")
def test_killed_in_the_middle(path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: os.kill(os.getpid(), signal.SIGKILL))
    child = os.fork()
    if not child:
        WholeFiles().save_checkpoint({"state_dict": {"weight": torch.tensor(2.0)}}, path)
        os._exit(0)
    monkeypatch.undo()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert value(path) == 1
    WholeFiles().save_checkpoint({"state_dict": {"weight": torch.tensor(3.0)}}, path)
    assert value(path) == 3
    assert names(path) == ["some.ckpt"]  # what the kill left is gone


def test_a_link_stays_one(path):
    link = path.with_name("link.ckpt")
    link.symlink_to(path)
    WholeFiles().save_checkpoint({"state_dict": {"weight": torch.tensor(2.0)}}, link)
    assert link.is_symlink()
    assert value(path) == 2


def test_every_flipped_byte_is_found_or_harmless(path):
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 0x10
        path.write_bytes(changed)
        try:
            assert value(path) == 1
        except ValueError as error:
            assert "some.ckpt is damaged" in str(error)  # noqa: PT017
            refused += 1
    assert refused > len(whole) // 7 / 4  # much of so small a file is padding
    weight = whole.index(torch.tensor(1.0).numpy().tobytes())
    path.write_bytes(whole[:weight] + b"\0\0\0\1" + whole[weight + 4 :])
    with pytest.raises(ValueError, match=r"some.ckpt is damaged: the checksum of its record .*data/0"):
        value(path)


@pytest.mark.parametrize("part", [0, 100, -1])
def test_a_part_of_a_checkpoint(path, part):
    path.write_bytes(path.read_bytes()[:part])
    with pytest.raises(ValueError, match=r"some.ckpt is damaged, or only a part of a checkpoint"):
        WholeFiles().load_checkpoint(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.ckpt"):
        WholeFiles().load_checkpoint(tmp_path / "none.ckpt")


def test_every_trainer_writes_so(classifier, phase, trainer, data, tmp_path, monkeypatch):
    """With the callback and without, and nothing goes through the folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    model = classifier()
    for callbacks in ([phase()], []):
        fit = trainer(*callbacks, ModelCheckpoint(tmp_path, filename="some"))
        fit.fit(model, data)
        assert type(fit.strategy.checkpoint_io) is WholeFiles
        check_whole(tmp_path / "some.ckpt")
        (tmp_path / "some.ckpt").unlink()


class Mine(TorchCheckpointIO):
    pass


def test_a_plugin_of_the_users_own_stays(classifier, phase, trainer, data):
    fit = trainer(phase(), plugins=[Mine()])
    fit.fit(classifier(), data)
    assert type(fit.strategy.checkpoint_io) is Mine


def test_a_damaged_checkpoint_is_not_resumed(classifier, phase, trainer, data, tmp_path):
    model, path = classifier(), tmp_path / "self_organization.ckpt"
    trainer(phase(), ModelCheckpoint(tmp_path)).fit(model, data)
    whole = path.read_bytes()
    weight = model.network.projections["lgn"].weight.detach().numpy().tobytes()[:64]
    place = whole.index(weight)
    path.write_bytes(whole[: place + 9] + bytes([whole[place + 9] ^ 1]) + whole[place + 10 :])
    with pytest.raises(ValueError, match=r"self_organization\.ckpt is damaged"):
        trainer(phase()).fit(classifier(), data, ckpt_path=path, weights_only=True)
    with pytest.raises(ValueError, match=r"self_organization\.ckpt is damaged"):
        trainer().test(classifier(), data, ckpt_path=path, weights_only=True)
