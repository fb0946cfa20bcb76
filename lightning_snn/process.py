"""How OpenMP threads wait for each other, and who keeps freed memory; imported before torch.

By default libgomp's threads spin for milliseconds before they sleep. With another process on the machine
that made showing images 25 times slower, since a thread that is not running keeps the others spinning.
With a short spin they are as fast alone as with the default (0.4 s against 0.4 s for 200 images on two
cores), and 1.3 s instead of 25 s beside a busy process; ``OMP_WAIT_POLICY=passive`` took 1.3 s in both
cases.

By default glibc gives blocks above 32 MB back to Linux at each free, and every page of the next is faulted in
anew: filling a new tensor of 128 MB took 24 ms, and 2.2 ms where the process keeps its memory. It keeps up
to `KEPT_BYTES` here.

A value that the user set in the environment wins.
"""

import ctypes
import os
import sys

KEPT_BYTES = 2**30
"""Most freed memory that the process does not give back."""

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4

os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def _keep_memory() -> None:
    """Serve large blocks from the heap, and trim it at `KEPT_BYTES` only; nothing where libc is not glibc."""
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(_M_MMAP_MAX, 0)


_keep_memory()
