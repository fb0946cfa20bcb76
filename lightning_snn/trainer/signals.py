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
def held(number: signal.Signals) -> Iterator[SignalFlag]:
    """Note a signal instead of handling it at once; one that came is handed to its handler at the end.

    SIGTERM: Lightning's own handler broadcasts from inside the signal, which hangs several processes that are
    in the middle of an exchange. SIGINT (Ctrl-C): nothing inside is left half done. Only the main thread may
    set handlers; elsewhere nothing changes.
    """
    flag = SignalFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    previous = signal.signal(number, flag.set)
    try:
        yield flag
    finally:
        signal.signal(number, previous)
    if flag.raised:
        signal.raise_signal(number)
