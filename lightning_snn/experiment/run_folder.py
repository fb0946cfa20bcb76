"""The folder that a command writes to: new for every run, shared by the processes that it starts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

_VARIABLE = "LIGHTNING_SNN_RUN_FOLDER"

RESUMABLE = ("self_organization", "last")
"""Names of the checkpoints of the phase and of the epochs."""


@contextmanager
def run_folder_scope() -> Iterator[None]:
    """Forget the run folder at the end, and remove it if nothing was written to it."""
    inherited = _VARIABLE in os.environ
    try:
        yield
    finally:
        if not inherited and _VARIABLE in os.environ:
            folder = Path(os.environ.pop(_VARIABLE))
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def open_run_folder(root: Path, name: str) -> Path:
    """Make ``root/name/time``, unless the process that started this one has chosen a folder.

    Raises:
        ValueError: if the folder cannot be written.
    """
    if _VARIABLE not in os.environ:
        folder = root / name / datetime.now().strftime("%Y%m%d-%H%M%S-%f")
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise ValueError(f"the run folder {folder} cannot be written: {error.strerror}") from error
        os.environ[_VARIABLE] = str(folder)
    return current_run_folder()


def current_run_folder() -> Path:
    """The folder of the command that runs."""
    return Path(os.environ[_VARIABLE])


def last_checkpoint() -> Path | None:
    """The newest checkpoint from which the command that runs can go on; None if there is none yet."""
    if _VARIABLE not in os.environ:
        return None
    folder = current_run_folder() / "checkpoints"
    found = [path for name in RESUMABLE if (path := folder / f"{name}.ckpt").is_file()]
    return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)
