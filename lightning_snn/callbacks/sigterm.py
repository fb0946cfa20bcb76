"""SIGTERM while processes talk to each other, Ctrl-C while a round is half done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class SignalFlag:
    """Whether a signal, SIGTERM or Ctrl-C, has arrived."""

    def __init__(self) -> None:
        self.raised = False

    def set(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        del number, frame
        self.raised = True


@contextmanager
def sigterm_flag() -> Iterator[SignalFlag]:
    """Note SIGTERM instead of handling it at once.

    Lightning's own handler broadcasts from inside the signal, which hangs several processes that are in
    the middle of an exchange. A signal that nobody has acted on by the end is handed to that handler then.
    Only the main thread may set handlers; elsewhere nothing changes.
    """
    flag = SignalFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    previous = signal.signal(signal.SIGTERM, flag.set)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGTERM, previous)
    if flag.raised:
        signal.raise_signal(signal.SIGTERM)


@contextmanager
def undivided() -> Iterator[None]:
    """Ctrl-C (SIGINT) acts at the end of what runs inside, so that none of it is saved half done.

    Only the main thread may set handlers; elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    flag = SignalFlag()
    previous = signal.signal(signal.SIGINT, flag.set)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if flag.raised:
        signal.raise_signal(signal.SIGINT)
