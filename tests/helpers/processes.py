"""Several processes without their start: threads of this one that hold a part of the streams each."""

import functools
import operator
import threading
from concurrent.futures import ThreadPoolExecutor

import torch

from lightning_snn.plasticity import Streams


class ThreadedStreams(Streams):
    """Streams of one of several processes, each a thread here, that meet at a barrier."""

    def __init__(self, total, first, count, board, barrier):
        super().__init__(total, first=first, count=count)
        self.board, self.barrier = board, barrier
        self.process = first

    def exchange(self, values):
        self.board[self.process] = values
        self.barrier.wait(timeout=30)
        found = [self.board[process] for process in sorted(self.board)]
        self.barrier.wait(timeout=30)
        return found

    def gather(self, values):
        return torch.cat(self.exchange(values))

    def sum(self, values):
        return functools.reduce(operator.add, self.exchange(values))


def on_processes(sizes, run):
    """What ``run(streams)`` gives on each of several processes, with ``sizes[i]`` streams on process i."""
    board, barrier = {}, threading.Barrier(len(sizes))
    firsts = [sum(sizes[:i]) for i in range(len(sizes))]
    parts = [ThreadedStreams(sum(sizes), *part, board, barrier) for part in zip(firsts, sizes, strict=True)]
    with ThreadPoolExecutor(len(sizes)) as pool:
        return list(pool.map(run, parts))
