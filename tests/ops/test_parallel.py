import os
import threading

import pytest
import torch
from helpers.kernels import threads

from lightning_snn.ops import parallel


@pytest.fixture(autouse=True)
def keep_threads():
    with threads(torch.get_num_threads()):
        yield


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_parts_cover_the_range_once(count, threads):
    torch.set_num_threads(threads)
    parts, lock = [], threading.Lock()

    def run(first, last):
        with lock:
            parts.append((first, last))

    parallel.split(count, run)
    assert len(parts) == max(1, min(count, threads))
    assert [i for first, last in sorted(parts) for i in range(first, last)] == list(range(count))


def test_parts_run_at_the_same_time():
    torch.set_num_threads(2)
    barrier = threading.Barrier(2, timeout=20)
    parallel.split(2, lambda *_: barrier.wait())
    assert not barrier.broken


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_in_any_part_is_raised(failing):
    torch.set_num_threads(2)

    def run(first, last):
        del last
        if first == failing:
            raise ValueError("of a part")

    with pytest.raises(ValueError, match="of a part"):
        parallel.split(2, run)


@pytest.mark.filterwarnings("ignore:.*use of fork.. may lead to deadlocks")
def test_it_works_in_a_forked_process():
    torch.set_num_threads(2)
    parallel.split(2, lambda *_: None)
    child = os.fork()
    if child == 0:
        done = []
        parallel.split(2, lambda first, last: done.append((first, last)))
        os._exit(0 if sorted(done) == [(0, 1), (1, 2)] else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
