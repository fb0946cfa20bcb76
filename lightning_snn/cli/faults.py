"""Whose error it is: the user's, which takes one sentence, or ours, which keeps its traceback."""

import dis
import sysconfig
from pathlib import Path
from types import TracebackType

import torch
from jsonargparse import ArgumentError
from lightning.fabric.utilities.exceptions import MisconfigurationException

_ALWAYS = (ArgumentError, ImportError, FileNotFoundError, MisconfigurationException)
_CHECKS = ("lightning_snn", "lightning", "jsonargparse")
"""Packages whose own ``raise`` statements say what is wrong with a value that was given."""

_INSTALLED = [sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
_INSTALLED.append(str(Path(__file__).parent.parent))


def is_mistake(error: BaseException) -> bool:
    """Whether the user can mend an error by changing an argument, a file or an installation.

    A check says so by a ``raise`` statement, in this package, in Lightning or in a class of the user's. What
    torch or the interpreter raise underneath is nothing that a user could mend, but for want of memory.
    """
    if isinstance(error, _ALWAYS) or is_out_of_memory(error):
        return True
    if not isinstance(error, ValueError | TypeError | RuntimeError) or error.__traceback__ is None:
        return False
    last = _frames(error)[-1]
    by_statement = dis.opname[last.tb_frame.f_code.co_code[last.tb_lasti]] == "RAISE_VARARGS"
    return by_statement and (origin(error) in _CHECKS or _is_users(last))


def origin(error: BaseException) -> str:
    """The package whose code raised an error; empty for one that was never raised."""
    frames = _frames(error)
    return str(frames[-1].tb_frame.f_globals.get("__name__", "")).split(".")[0] if frames else ""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a value asks for more memory than there is, or for more than a size can say."""
    words = ("can't allocate memory", "not enough memory", "Overflow when unpacking long")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(w in str(error) for w in words)


def blame(error: BaseException) -> str:
    """Where an error that is no mistake comes from."""
    theirs = [frame for frame in _frames(error) if _is_users(frame)]
    if not theirs:
        return (
            "this is a fault of lightning-snn, not of your input: please report it with the traceback above"
        )
    file, line = theirs[-1].tb_frame.f_code.co_filename, theirs[-1].tb_lineno
    return f"this error comes through your own {file}, line {line}; the traceback stands above"


def _frames(error: BaseException) -> list[TracebackType]:
    """The frames that the error came through, the one that raised it last."""
    frames, frame = [], error.__traceback__
    while frame is not None:
        frames.append(frame)
        frame = frame.tb_next
    return frames


def _is_users(frame: TracebackType) -> bool:
    """Whether a frame is of a file that belongs to no installed package."""
    path = frame.tb_frame.f_code.co_filename
    return Path(path).is_file() and not path.startswith(tuple(_INSTALLED))
