"""Files that are whole or not there at all, and what a file system refuses."""

import contextlib
import os
from pathlib import Path


def reason(error: OSError) -> str:
    """What the file system refused, with the file where it is known."""
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)


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
