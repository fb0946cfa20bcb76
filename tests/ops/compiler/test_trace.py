"""What a step may hold, and the sentence for what it may not."""

import random
import re
from pathlib import Path

import pytest
import torch
from helpers.kernels import on_both, program
from helpers.tensors import assert_equal, rand

from lightning_snn import NeuronModel, Parameter, constant
from lightning_snn.ops.compiler import CannotCompileError

TABLE = torch.ones(2, 3)
INSTEAD = "compiled = False in the class runs it step by step in PyTorch"
VALUE = "a branch on a value or a shape, or one as a number of Python, cannot be compiled"


class Cell(NeuronModel):
    """A potential that ``change`` changes."""

    state = {"v": 0.0}
    tau: Parameter = constant(default=2.0, above=0.0)

    def step(self, current, state, p, dt):
        v = self.change(state.v + current, p)
        return self.spike(v - 1), self.State(v)


def of(change):
    """A model with this change."""
    return type("Own", (Cell,), {"change": staticmethod(change), "__doc__": "A model."})()


def branch(v, p):
    return v * 2 if v > 1 else v


def branch_on_a_constant(v, p):
    return v * 2 if p.tau > 1 else v


def branch_on_any(v, p):
    return v * 2 if (v > 1).any() else v


REFUSED = {
    "branch": (branch, "if v > 1", VALUE),
    "branch on a constant": (branch_on_a_constant, "if p.tau > 1", VALUE),
    "branch on any": (branch_on_any, ".any()", "the operator any cannot be compiled"),
    "item": (lambda v, p: v * p.tau.item(), ".item()", VALUE),
    "numpy": (lambda v, p: v * float(v.detach().numpy().max()), ".numpy()", VALUE),
    "tolist": (lambda v, p: v * v.tolist()[0][0], ".tolist()", VALUE),
    "random of Python": (lambda v, p: v * random.random(), "random.random()", VALUE),
    "mean": (lambda v, p: v - v.mean(1, keepdim=True), ".mean(", "the operator mean cannot"),
    "sum": (lambda v, p: v - v.sum(), ".sum()", "the operator sum cannot be compiled"),
    "matrix product": (lambda v, p: v @ torch.ones(3, 3), " @ ", "the operator ones|ones, which gives"),
    "transposed": (lambda v, p: v @ v.t(), ".t()", "the operator t cannot be compiled"),
    "neighbours": (lambda v, p: v.roll(1, 1), ".roll(", "the operator roll cannot be compiled"),
    "unknown": (lambda v, p: torch.erf(v), ".erf(", "the operator erf cannot be compiled"),
    "power": (
        lambda v, p: v**2.3,
        "**2.3",
        "a power other than half numbers from -4 to 4 cannot be compiled",
    ),
    "power by a variable": (lambda v, p: p.tau**v, "p.tau**v", "a power other than half numbers"),
    "random draw": (lambda v, p: v + torch.rand_like(v), ".rand_like(", "the operator rand_like cannot"),
    "outside tensor": (
        lambda v, p: v * TABLE,
        "* TABLE",
        "a tensor that is neither an argument nor made of them cannot be compiled; make it a constant",
    ),
    "float64": (
        lambda v, p: v.double(),
        ".double()",
        r"gives torch.float64 \[2, 3\] .* in one number format",
    ),
    "integers": (lambda v, p: 1.0 * v.int(), ".int()", "the conversion to torch.int32 cannot be compiled"),
}
"""A change, the part of the line that the sentence names, and what it says."""


@pytest.mark.parametrize("with_gradient", [False, True])
@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_compiled_is_a_sentence_with_its_line(kind, with_gradient):
    change, part, message = REFUSED[kind]
    with pytest.raises(CannotCompileError, match=message) as caught:
        of(change)(rand(4, 2, 3).requires_grad_(with_gradient))
    sentence = str(caught.value)
    assert sentence.endswith(INSTEAD)
    path, line = re.match(r"(.*), line (\d+): ", sentence).groups()
    assert Path(path) == Path(__file__)
    assert part in Path(__file__).read_text(encoding="utf-8").splitlines()[int(line) - 1]


@pytest.mark.parametrize("kind", ["branch on any", "mean", "neighbours", "outside tensor"])
def test_step_by_step_it_runs(kind):
    model = of(REFUSED[kind][0])
    type(model).compiled = False
    spikes, _ = model(2 * rand(4, 2, 3))
    assert spikes.any()


def test_other_mistakes_are_those_of_python():
    with pytest.raises(AttributeError, match=r"no constant 'tua' among tau, dt"):
        of(lambda v, p: v * p.tua)(rand(4, 2, 3))
    with pytest.raises(TypeError, match="unsupported operand"):
        of(lambda v, p: v + "1")(rand(4, 2, 3))


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda s, v: (v, {"u": v}), r"must return the variables that `state` declares \(v\)"),
        (lambda s, v: (v, (v, v)), r"must return the variables that `state` declares \(v\), got 2"),
        (lambda s, v: (v, s.State(1.0)), r"must return v as a tensor \[.*\] like the input, got float"),
        (lambda s, v: (v, s.State(v[:1])), r"must return v as a tensor \[.*\] like the input, got \["),
        (lambda s, v: v, "must return spikes, the next state and, if it likes, the state before"),
    ],
)
def test_a_step_that_returns_another_state_is_refused(result, message):
    class Wrong(NeuronModel):
        """It returns something else."""

        state = {"v": 0.0}
        compiled = False

        def step(self, current, state, p, dt):
            return result(self, state.v + current)

    with pytest.raises(ValueError, match=f"^Wrong.step {message}"):
        Wrong()(rand(4, 2, 3))


def test_compiling_draws_no_random_numbers():
    before = torch.get_rng_state()
    of(lambda v, p: v * torch.exp(-1 / p.tau))(rand(4, 2, 3).requires_grad_())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode], ids=["no_grad", "inference"])
def test_a_model_that_is_compiled_where_no_gradients_are_has_them_later(mode):
    """Inside both, gradients would be traced as zero."""
    model = of(lambda v, p: v * torch.exp(-v * v / p.tau))
    with mode():
        model(rand(4, 2, 3))
    current = rand(4, 2, 3).requires_grad_()
    with mode():
        program(model, ("i0",))
    model(current)[1].v.sum().backward()
    assert current.grad.all()


def test_under_autocast_it_compiles_the_same():
    model, current = of(lambda v, p: torch.tanh(v) * p.tau), rand(4, 2, 3)
    with torch.autocast("cpu", torch.bfloat16):
        found, end = model(current)
    expected, state = model(current)
    assert_equal([found, *end], [expected, *state])


def in_place(v, p):
    whole = v.clone()
    whole += 0.25
    other = whole  # the same memory under another name
    other.mul_(p.tau)
    seen = whole.detach()
    kept = whole.clone().clamp_(max=1.75)
    return kept + 0.5 * seen - whole.sub(1).relu_()


def test_operations_in_place_act_on_all_names():
    model, current = of(in_place), 2 * rand(6, 2, 3) - 1

    def run():
        leaf = current.clone().requires_grad_()
        spikes, end = model(leaf)
        (gradient,) = torch.autograd.grad(end.v.sum() + spikes.sum(), leaf)
        return [spikes.detach(), end.v.detach(), gradient]

    reference, fused = on_both(run)
    assert reference[2].any()
    assert_equal(reference[:2], fused[:2])
    torch.testing.assert_close(fused[2], reference[2])
