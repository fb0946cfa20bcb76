"""Kernels without a place on disk, with broken files there, and on a system without fork."""

import importlib.util
import os
import sys
import warnings

import numba
import numpy as np
import pytest

from lightning_snn.ops import kernel_cache, parallel

SOURCE = """
from lightning_snn.ops.jit import jit


@jit
def twice(x):
    return x + x


@jit
def four_times(x):
    return twice(twice(x))
"""


def loaded(path, name):
    """A module from a file, as a process that imports it first finds it."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def process(tmp_path, monkeypatch):
    """``process()``: kernels of a new process, called once; its warnings."""
    path = tmp_path / "some_kernels.py"
    path.write_text(SOURCE)
    numba.config.reload_config()  # the first compilation would, if a test before changed the environment
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(numba.config, "CACHE_LOCATOR_CLASSES", "UserProvidedCacheLocator")

    def run():
        monkeypatch.setattr(kernel_cache, "_warned", False)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            kernels = loaded(path, "some_kernels")
            assert kernels.four_times(np.float32(3)) == 12
        run.compiled = sum(sum(k.stats.cache_misses.values()) for k in (kernels.twice, kernels.four_times))
        return [str(warning.message) for warning in caught]

    yield run
    del sys.modules["some_kernels"]


def test_on_disk_a_kernel_is_compiled_once(process):
    assert process() == []
    assert run_again(process) == ([], 0)


def run_again(process):
    return process(), process.compiled


def test_without_a_place_on_disk_every_process_compiles_and_one_warning_says_so(process, tmp_path):
    (tmp_path / "cache").write_text("in the way of a folder")
    (found,) = process()
    assert found.startswith("there is no place for compiled kernels on disk, so every process compiles them")
    assert found.endswith("NUMBA_CACHE_DIR names a folder for them")


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("size", [0, 40])
def test_a_truncated_file_is_replaced_with_one_warning(process, tmp_path, kind, size):
    process()
    files = sorted(tmp_path.rglob(f"*.{kind}"))
    assert len(files) == 2
    for path in files:
        path.write_bytes(path.read_bytes()[:size])
    (found,) = process()
    assert found.startswith("a compiled kernel on disk cannot be read, so it is compiled anew: ")
    assert run_again(process) == ([], 0)  # whole again


def test_a_folder_that_is_full_or_gone_costs_a_warning(process, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.save", full)
    (found,) = process()
    assert "cannot be written to" in found
    assert "No space left on device" in found


def test_threads_work_where_processes_do_not_fork(monkeypatch):
    monkeypatch.delattr(os, "register_at_fork")
    copy = loaded(parallel.__file__, "parallel_without_fork")
    done = []
    copy.split(3, lambda first, last: done.extend(range(first, last)))
    assert sorted(done) == [0, 1, 2]
    del sys.modules["parallel_without_fork"]
