"""How a command ends: its exit code, what it says, and how to go on."""

import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from lightning.pytorch.utilities.exceptions import SIGTERMException
from lightning_utilities.core.rank_zero import rank_zero_only

from lightning_snn.cli.arguments import take
from lightning_snn.cli.errors import sentence
from lightning_snn.cli.faults import blame, is_mistake
from lightning_snn.core.files import reason
from lightning_snn.experiment.run_folder import last_checkpoint


def exit_code(error: BaseException) -> int | None:
    """The exit code of a command that an error ends; None for its regular ends, such as that of help."""
    cause = error.__context__ if isinstance(error, SystemExit) else error  # Lightning turns Ctrl-C into 1
    if isinstance(error, SIGTERMException):
        return 128 + signal.SIGTERM
    if isinstance(cause, KeyboardInterrupt):
        return 128 + signal.SIGINT
    if isinstance(error, OSError) and error.errno is not None:
        return 1
    if not isinstance(error, Exception):
        return None
    return 2 if is_mistake(error) else 1


@rank_zero_only
def explain(error: BaseException, code: int) -> None:
    """Say on standard error what ended a command, and how to go on."""
    if code > 128:
        what = "interrupted"
    elif isinstance(error, OSError) and error.errno is not None:
        what = reason(error)
    elif code == 2:
        what = sentence(error)
    else:
        traceback.print_exception(error)
        what = blame(error)
    advice = [] if code == 2 else getattr(error, "__notes__", [])
    print("; ".join([f"lightning-snn: {what}", *advice]), file=sys.stderr)


@contextmanager
def acting_on_sigterm() -> Iterator[None]:
    """SIGTERM raises `SIGTERMException`: at once, or where a Trainer runs, which saves first, by itself.

    Only the main thread may set handlers; elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal received
        del number, frame
        received = True
        if signal.getsignal(signal.SIGTERM) is handle:  # else it was called by Lightning's own handler
            raise SIGTERMException

    previous = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
    if received:
        raise SIGTERMException


@contextmanager
def resumable(command: Sequence[str]) -> Iterator[None]:
    """Whatever ends a command early carries a note of how to go on from the last checkpoint."""
    try:
        yield
    except BaseException as error:
        earlier, others = take(list(command), "--ckpt_path")
        path = last_checkpoint() or earlier
        if path is not None:
            again = shlex.join(["lightning-snn", *others, "--ckpt_path", str(path)])
            error.add_note(f"resume with: {again}")
        elif exit_code(error) not in (2, None):
            error.add_note("there is no checkpoint yet to go on from")
        raise
