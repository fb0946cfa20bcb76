"""Checkpoint files that are whole or not there at all."""

import contextlib
import io
import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO
from lightning.pytorch import Trainer

from lightning_snn.checkpoints import check_whole


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


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file so that at any time ``path`` holds either all of the old content or all of the new.

    Raises:
        OSError: with the name of the file, if the file system refuses it; nothing is left beside ``path``.
    """
    target = path.resolve()  # a link stays one
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None
        raise


def _is_local(path: str | Path) -> bool:
    return "://" not in str(path)
