"""Checkpoint files: written whole or not at all, read with all that their bytes can say."""

import io
import sys
import zipfile
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO
from lightning.pytorch import Trainer

from lightning_snn.core.files import write_whole
from lightning_snn.trainer.checkpoint_format import SETTINGS, translate


class WholeFiles(TorchCheckpointIO):
    """Writes a checkpoint beside its target and moves it there; a damaged one is not read.

    Lightning's own writer goes through the folder for temporary files (TMPDIR) and copies from there where
    that is another file system, and it swallows a PermissionError. Here the target is the old file or the
    new one whenever the process ends, and an error of the file system is raised. Paths that are not on a
    local file system (``s3://``) are left to Lightning.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            OSError: if the file system refuses it; an older file at ``path`` is then as it was.
        """
        if storage_options is not None or not _is_local(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        content = io.BytesIO()  # torch.save hides errors of the file system behind its own
        torch.save(checkpoint, content)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_whole(Path(path), content.getbuffer())

    def load_checkpoint(self, path: str | Path, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Read a checkpoint; see `check_whole` for what it refuses."""
        if _is_local(path) and Path(path).is_file():
            check_whole(path)
        try:
            return super().load_checkpoint(path, *args, **kwargs)
        except RuntimeError as error:  # the headers of the archive, which torch reads and zipfile does not
            raise ValueError(f"{path} is damaged, or only a part of a checkpoint") from error


def use_whole_files(trainer: Trainer) -> None:
    """Let the Trainer read and write by `WholeFiles`, unless it was given a plugin of the user's own."""
    if type(trainer.strategy.checkpoint_io) is TorchCheckpointIO:
        trainer.strategy.checkpoint_io = WholeFiles()


def _is_local(path: str | Path) -> bool:
    return "://" not in str(path)


def read(path: str) -> dict[str, Any]:
    """A checkpoint of a classifier in the present format, its tensors on the CPU.

    Raises:
        ValueError: if the file is missing, damaged, no checkpoint of a classifier, or of a newer format.
    """
    try:
        if not Path(path).is_file():
            raise ValueError(f"there is no file {path}")
        return _content(path)[0]
    except ValueError as error:
        raise ValueError(f"ckpt_path: {error}") from error


def opened(path: Any, *, weights_only: bool) -> tuple[Any, Any]:
    """A checkpoint for Lightning to read, and the class that wrote it, None where it is not imported.

    The first is ``path``, or where the file is of an older format, a file in memory with the translated one.

    Raises:
        ValueError: as `read`; what is not a path to a file is left to Lightning.
    """
    if not isinstance(path, str | Path) or not Path(path).is_file():
        return path, None
    content, translated = _content(path, weights_only=weights_only)
    package, _, name = content[SETTINGS]["_class_path"].rpartition(".")
    written_by = getattr(sys.modules.get(package), name, None)
    if not translated:
        return path, written_by
    memory = io.BytesIO()
    torch.save(content, memory)
    memory.seek(0)
    return memory, written_by


def _content(path: str | Path, *, weights_only: bool = True) -> tuple[dict[str, Any], bool]:
    """A checkpoint of a classifier in the present format, and whether it was translated."""
    check_whole(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=weights_only, mmap=True)
    except UnpicklingError as error:
        raise ValueError(
            f"{path} holds more than tensors and plain values: load_from_checkpoint(weights_only=False) "
            "runs what is in it, so give that for files only that you trust"
        ) from error
    except Exception as error:
        raise ValueError(f"{path} is no checkpoint, or only a part of one") from error
    if not isinstance(content, dict) or not {"state_dict", "pytorch-lightning_version"} <= content.keys():
        raise ValueError(f"{path} is not a checkpoint of Lightning")
    if "_class_path" not in content.get(SETTINGS, {}):
        raise ValueError(f"{path} is not a checkpoint of a SpikingClassifier")
    try:
        return content, translate(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def check_whole(path: str | Path) -> None:
    """Raise ``ValueError`` unless every byte of a checkpoint is as it was written.

    A checkpoint is a zip archive whose records carry checksums (CRC32); torch does not look at them.
    """
    with open(path, "rb") as file:
        try:
            damaged = zipfile.ZipFile(file).testzip()
        except Exception as error:
            raise ValueError(f"{path} is damaged, or only a part of a checkpoint") from error
    if damaged is not None:
        raise ValueError(f"{path} is damaged: the checksum of its record {damaged} is another one")
