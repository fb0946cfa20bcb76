"""Work split over as many threads as torch uses."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

_pools: dict[int, ThreadPoolExecutor] = {}


def split(count: int, run: Callable[[int, int], Any]) -> None:
    """Call ``run(first, last)`` on consecutive parts of ``range(count)``, in parallel.

    The parts are as many as `torch.get_num_threads` says, so processes that share a machine divide it as
    they divide torch's threads. ``run`` must release the GIL to gain from it, and its result must not depend
    on where the parts end.
    """
    parts = max(1, min(torch.get_num_threads(), count))
    bounds = [count * part // parts for part in range(parts + 1)]
    others = [_pool(parts - 1).submit(run, bounds[i], bounds[i + 1]) for i in range(1, parts)]
    try:
        run(bounds[0], bounds[1])
    finally:
        for other in others:
            other.result()


def _pool(workers: int) -> ThreadPoolExecutor:
    if workers not in _pools:
        _pools[workers] = ThreadPoolExecutor(workers, thread_name_prefix="lightning_snn")
    return _pools[workers]


# the threads of a pool do not live on in a forked process; Windows forks none
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)
