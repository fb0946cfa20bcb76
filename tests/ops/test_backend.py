import sys
import warnings

import pytest
import torch

from lightning_snn import LIF, IntegrateFire
from lightning_snn.ops import backend
from lightning_snn.ops.compiler import cpu

COMPILER = "lightning_snn.ops.compiler"
LIF_SCAN = f"{COMPILER}.{id(LIF)}.LIF"
CPU = torch.device("cpu")
NOISE = 3 * torch.rand(20, 2, 9, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def nothing_failed_yet(monkeypatch):
    monkeypatch.setattr(backend, "_failed", set())


def reference():
    with backend.use("reference"):
        return LIF()(NOISE)[0]


def run_all(neurons):
    for neuron in neurons:
        neuron(NOISE)


def break_compiler(monkeypatch, error, title=""):
    """The kernels of models whose module says ``title`` raise an error."""
    find = cpu.variant

    def broken(*args):
        found = find(*args)
        if title in found[0].__doc__:
            raise error
        return found

    monkeypatch.setattr(cpu, "variant", broken)


def compile_error():
    import numba

    return numba.core.errors.TypingError("no such type")


def test_the_device_chooses_and_use_overrides():
    assert backend.chosen(LIF_SCAN, CPU) == "numba"
    assert backend.chosen(LIF_SCAN, torch.device("cuda")) == "triton"
    assert backend.chosen(LIF_SCAN, torch.device("mps")) == "reference"
    with backend.use("triton"):
        assert backend.chosen(LIF_SCAN, CPU) == "triton"
        with backend.use("reference"):
            assert backend.chosen(LIF_SCAN, CPU) == "reference"
        assert backend.chosen(LIF_SCAN, CPU) == "triton"
    with pytest.raises(RuntimeError, match="inside"), backend.use("reference"):
        raise RuntimeError("inside")
    assert backend.chosen(LIF_SCAN, CPU) == "numba"


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
        monkeypatch.setitem(sys.modules, f"{COMPILER}.cpu", None)
    else:
        break_compiler(monkeypatch, compile_error())
    with pytest.warns(
        UserWarning, match="^LIF: the numba kernels do not work here, the slower plain PyTorch"
    ):
        found = LIF()(NOISE)[0]
    assert torch.equal(found, expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(LIF()(NOISE)[0], expected)


def test_a_model_that_does_not_compile_leaves_the_others_fused(monkeypatch):
    break_compiler(monkeypatch, compile_error(), title="lif.LIF,")
    with pytest.warns(UserWarning, match="LIF: the numba kernels do not work here"):
        LIF()(NOISE)
    assert backend.chosen(LIF_SCAN, CPU) == "reference"
    monkeypatch.setattr(IntegrateFire, "advance", None)  # what is not fused would call it
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert IntegrateFire(threshold=2.0)(NOISE)[0].any()


def test_each_model_that_does_not_compile_says_so_once(monkeypatch):
    break_compiler(monkeypatch, compile_error())
    with pytest.warns(UserWarning, match="numba kernels do not work here") as warned:
        run_all(2 * (LIF(), IntegrateFire(threshold=2.0)))
    named = [str(warning.message).split(":")[0] for warning in warned]
    assert named == ["LIF", "IntegrateFire"]


def test_a_backward_pass_uses_the_kernels_of_its_forward_pass(monkeypatch):
    noise = NOISE.clone().requires_grad_()
    (expected,) = torch.autograd.grad(LIF()(noise)[0].sum(), noise)
    total = LIF()(noise)[0].sum()
    with monkeypatch.context() as broken:
        break_compiler(broken, compile_error())
        with pytest.warns(UserWarning, match="LIF: the numba kernels"):
            LIF()(NOISE)
    assert backend.chosen(LIF_SCAN, CPU) == "reference"
    assert torch.equal(torch.autograd.grad(total, noise, retain_graph=True)[0], expected)
    with backend.use("reference"):
        assert torch.equal(torch.autograd.grad(total, noise)[0], expected)


@pytest.mark.parametrize("error", [ValueError("of the call"), RuntimeError("of the call")])
def test_other_errors_are_not_hidden(monkeypatch, error):
    break_compiler(monkeypatch, error)
    with pytest.raises(type(error), match="of the call"):
        LIF()(NOISE)
    assert backend.chosen(LIF_SCAN, CPU) == "numba"


def test_a_named_backend_must_work(monkeypatch):
    error = compile_error()
    break_compiler(monkeypatch, error)
    with pytest.raises(type(error), match="no such type"), backend.use("numba"):
        LIF()(NOISE)


def test_a_named_backend_is_tried_again(monkeypatch):
    break_compiler(monkeypatch, compile_error())
    with pytest.warns(UserWarning, match="LIF: the numba kernels"):
        LIF()(NOISE)
    with pytest.raises(Exception, match="no such type"), backend.use("numba"):
        LIF()(NOISE)
