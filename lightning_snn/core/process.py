"""How OpenMP threads wait for each other, and who keeps freed memory.

By default libgomp's threads spin for milliseconds before they sleep. With another process on the machine
that made showing images 25 times slower, since a thread that is not running keeps the others spinning.
With a short spin they are as fast alone as with the default (0.4 s against 0.4 s for 200 images on two
cores), and 1.3 s instead of 25 s beside a busy process; ``OMP_WAIT_POLICY=passive`` took 1.3 s in both
cases.

By default glibc gives blocks above 32 MB back to Linux at each free, and every page of the next is faulted in
anew: filling a new tensor of 128 MB took 24 ms, and 2.2 ms where the process keeps its memory. It keeps up
to `KEPT_BYTES` here.
"""

import ctypes
import os
import sys
import warnings

KEPT_BYTES = 2**30
"""Most freed memory that the process does not give back."""

SPIN = "GOMP_SPINCOUNT"
"""Variable that libgomp reads once, when torch loads it."""

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def tune_process() -> None:
    """Let threads wait without spinning, and the process keep up to 1 GB of freed memory.

    Values that are set in the environment win (``GOMP_SPINCOUNT``, ``OMP_WAIT_POLICY``, any ``MALLOC_``).
    Call it before torch is imported: afterwards it warns, as the threads wait as they did, but for those of
    processes that are started later. Memory needs glibc; elsewhere nothing changes. The command
    ``lightning-snn`` calls it.
    """
    if not {SPIN, "OMP_WAIT_POLICY"} & os.environ.keys():
        os.environ[SPIN] = "1000"
        if "torch" in sys.modules:
            warnings.warn(
                "tune_process() comes after torch was imported, so OpenMP's threads wait as before: call it "
                f"first, or set {SPIN}=1000 in the environment",
                stacklevel=2,
            )
    _keep_memory()


def _keep_memory() -> None:
    """Serve large blocks from the heap, and trim it at `KEPT_BYTES` only; nothing where libc is not glibc."""
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(_M_MMAP_MAX, 0)
