import sys
import warnings

import pytest
import torch

from lightning_snn import LIF
from lightning_snn.ops import backend
from lightning_snn.ops.lif import cpu

CPU = torch.device("cpu")
NOISE = 3 * torch.rand(20, 2, 9, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def nothing_failed_yet(monkeypatch):
    monkeypatch.setattr(backend, "_failed", set())


def reference():
    with backend.use("reference"):
        return LIF()(NOISE)[0]


def break_compiler(monkeypatch, error):
    def broken(*_):
        raise error

    monkeypatch.setattr(cpu, "scan", broken)


def compile_error():
    import numba

    return numba.core.errors.TypingError("no such type")


def test_the_device_chooses_and_use_overrides():
    assert backend.chosen(CPU) == "numba"
    assert backend.chosen(torch.device("cuda")) == "triton"
    assert backend.chosen(torch.device("mps")) == "reference"
    with backend.use("triton"):
        assert backend.chosen(CPU) == "triton"
        with backend.use("reference"):
            assert backend.chosen(CPU) == "reference"
        assert backend.chosen(CPU) == "triton"
    with pytest.raises(RuntimeError, match="inside"), backend.use("reference"):
        raise RuntimeError("inside")
    assert backend.chosen(CPU) == "numba"


def test_an_unknown_backend_is_refused():
    with (
        pytest.raises(ValueError, match="backend must be one of auto, numba, reference, triton, got 'cuda'"),
        backend.use("cuda"),
    ):
        pass


@pytest.mark.parametrize("cause", ["missing", "does not compile"])
def test_without_a_compiler_the_reference_runs_with_one_warning(monkeypatch, cause):
    expected = reference()
    if cause == "missing":
        monkeypatch.setitem(sys.modules, "lightning_snn.ops.lif.cpu", None)
    else:
        break_compiler(monkeypatch, compile_error())
    with pytest.warns(UserWarning, match="numba kernels do not work here, the slower plain PyTorch loops"):
        found = LIF()(NOISE)[0]
    assert torch.equal(found, expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(LIF()(NOISE)[0], expected)


@pytest.mark.parametrize("error", [ValueError("of the call"), RuntimeError("of the call")])
def test_other_errors_are_not_hidden(monkeypatch, error):
    break_compiler(monkeypatch, error)
    with pytest.raises(type(error), match="of the call"):
        LIF()(NOISE)
    assert backend.chosen(CPU) == "numba"


def test_a_named_backend_must_work(monkeypatch):
    error = compile_error()
    break_compiler(monkeypatch, error)
    with pytest.raises(type(error), match="no such type"), backend.use("numba"):
        LIF()(NOISE)
