"""Every operator of the table in a compiled step, with its gradient, as torch computes it."""

import math

import pytest
import torch
from helpers.kernels import on_both
from helpers.tensors import assert_equal, rand

from lightning_snn import NeuronModel, Parameter, constant

EXACT = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: torch.sub(x, y, alpha=2),
    "from a number": lambda x, y: 2 - x * y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / (y * y + 1),
    "negate": lambda x, y: -x + y,
    "absolute": lambda x, y: x.abs() + y,
    "square": lambda x, y: x**2 + torch.square(y),
    "cube": lambda x, y: x**3,
    "inverse": lambda x, y: (x * x + 1) ** -1 + (y * y + 2).reciprocal(),
    "where": lambda x, y: torch.where(x > y, x, 2.0),
    "compare": lambda x, y: sum(z.to(x.dtype) for z in (x >= y, x > 0.5, x <= y, x < 0, x == 0, x != 1)),
    "logic": lambda x, y: ((x > 0) & (y > 0) | ~(x > y)).to(x.dtype) + (x > 1).logical_and(y > 0) * x,
    "a truth value times": lambda x, y: (x > 0) * y + (y > x) * (x > 0),
    "clamp": lambda x, y: x.clamp(-0.5, 0.5) + y.clamp_min(0) + x.clamp_max(1),
    "clamp between tensors": lambda x, y: torch.clamp(x, y - 1, y + 1),
    "minimum": lambda x, y: torch.minimum(x, y) - torch.maximum(x, 2 * y),
    "relu": lambda x, y: torch.relu(x) * y,
    "sign": lambda x, y: x.sign() * y,
    "floor": lambda x, y: x.floor() + y.ceil() + (2 * x).round(),
    "masked": lambda x, y: x.masked_fill(y > 0, 0.25),
    "zeros": lambda x, y: torch.zeros_like(x) + x.new_ones(x.shape) * y + torch.full_like(x, 0.5),
    "interpolated": lambda x, y: torch.lerp(x, y, 0.25),
}
"""Values of these are equal bit for bit; torch's square root is not the nearest number."""

WITHIN = {
    "fourth power": lambda x, y: x**4 + (y * y + 1) ** -0.5,
    "root": lambda x, y: (x * x + 1).sqrt() + (y * y + 1) ** 0.5,
    "inverse root": lambda x, y: (x * x + 1).rsqrt(),
    "exponential": lambda x, y: torch.exp(x) * y,
    "logarithm": lambda x, y: torch.log(x * x + 0.1),
    "tanh": lambda x, y: torch.tanh(x) * y,
    "sigmoid": lambda x, y: torch.sigmoid(x) * y,
    "sine": lambda x, y: torch.sin(x) * torch.cos(y),
    "sigmoid linear": lambda x, y: torch.nn.functional.silu(x),
}
OF_CONSTANTS = {
    "expm1": lambda p: torch.expm1(-p),
    "power": lambda p: p**1.5,
    "remainder": lambda p: torch.remainder(p, 0.75),
    "arctangent": lambda p: torch.atan(p) + torch.erf(p),
    "truth": lambda p: torch.where(p > 2, p, 0.5) * (p < 3),
}


def probe(functions):
    """A model with a variable for each function of the input."""

    def step(self, current, state, p, dt):
        found = [function(current, 0.7 - current) for function in functions]
        return sum(found), self.State(*found)

    state = {f"x{k}": 0.0 for k in range(len(functions))}
    return type(
        "Probe", (NeuronModel,), {"__doc__": "A probe.", "state": state, "step": step, "graded": True}
    )()


def groups(functions, size=5):
    """Names of some functions at a time: kernels of many take long to compile."""
    names = [*functions]
    return [names[k : k + size] for k in range(0, len(names), size)]


class OfConstants(NeuronModel):
    """Functions of a constant, which torch computes before the time loop."""

    state = {f"x{k}": 0.0 for k in range(len(OF_CONSTANTS))}
    graded = True
    tau: Parameter = constant(default=2.5, above=0.0)

    def step(self, current, state, p, dt):
        found = [function(p.tau) * current for function in OF_CONSTANTS.values()]
        return sum(found), self.State(*found)


def both(model, current):
    """Values and gradients of the input, on the plain loop and compiled."""

    def run():
        leaf = current.clone().requires_grad_()
        sent, end = model(leaf)
        (gradient,) = torch.autograd.grad(sent.sum() + sum(end).sum(), leaf)
        return sent.detach(), [x.detach() for x in end], gradient

    return on_both(run)


@pytest.mark.parametrize("names", groups(EXACT), ids=lambda names: names[0])
def test_exact_operators(names):
    model = probe([EXACT[name] for name in names])
    (sent, end, gradient), fused = both(model, 3 * rand(3, 2, 40) - 1.5)
    for name, one, other in zip(names, end, fused[1], strict=True):
        assert torch.equal(one, other), name
    assert torch.equal(sent, fused[0])
    torch.testing.assert_close(fused[2], gradient, rtol=1e-4, atol=1e-4)


def test_transcendental_functions():
    (_, end, gradient), fused = both(probe([*WITHIN.values()]), 6 * rand(3, 2, 400) - 3)
    for name, one, other in zip(WITHIN, end, fused[1], strict=True):
        torch.testing.assert_close(other, one, rtol=2e-6, atol=2e-6, msg=name)
    torch.testing.assert_close(fused[2], gradient, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("functions", [WITHIN, dict([*EXACT.items()][3:8])], ids=["within", "exact"])
def test_operators_in_float64(functions):
    model, x = probe([*functions.values()]), 6 * rand(3, 2, 40, dtype=torch.float64) - 3
    plain, fused = on_both(lambda: model(x))
    for name, one, other in zip(functions, plain[1], fused[1], strict=True):
        torch.testing.assert_close(other, one, rtol=1e-13, atol=1e-13, msg=name)


@pytest.mark.parametrize("tau", [2.5, [2.5, 0.7, 1.0]], ids=["one", "each"])
def test_functions_of_constants_alone(tau):
    (_, end, gradient), fused = both(OfConstants(tau), rand(3, 2, 3))
    assert all(x.any() for x in end)
    for name, one, other in zip(OF_CONSTANTS, end, fused[1], strict=True):
        torch.testing.assert_close(other, one, rtol=1e-6, atol=0, msg=name)
    torch.testing.assert_close(fused[2], gradient, rtol=1e-6, atol=0)


def test_exponentials_of_any_size():
    """From 0 to infinity; exp is 0 or about the smallest number where torch's underflows."""

    class Exponential(NeuronModel):
        """It sends exp(i)."""

        state = {"v": 0.0}
        graded = True

        def step(self, current, state, p, dt):
            return torch.exp(current), state

    x = torch.cat([torch.linspace(-120, 120, 4001), torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan])])
    found = Exponential()(x[None, None])[0].flatten()
    expected = torch.exp(x.double()).float()
    torch.testing.assert_close(found, expected, rtol=2e-7, atol=3e-45, equal_nan=True)
    assert found[-5:-3].tolist() == [1, 1]


SPECIAL = torch.tensor([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0])


class Bounds(NeuronModel):
    """What bounds do to NaN and infinity."""

    state = {name: 0.0 for name in ("clamped", "least", "most", "positive", "chosen", "signed")}
    graded = True

    def step(self, current, state, p, dt):
        found = (
            current.clamp(-0.5, 0.5),
            torch.minimum(current, torch.full_like(current, 0.5)),
            current.clamp_min(0.5),
            torch.relu(current),
            torch.where(current > 0, current, -current),
            torch.where(current == current, current, 2.0),
        )
        return (current >= 0).to(current.dtype), self.State(*found)


def test_nan_and_infinity_pass_bounds_as_in_torch():
    for dtype in (torch.float32, torch.float64):
        plain, fused = on_both(lambda dtype=dtype: Bounds()(SPECIAL[None, None].to(dtype)))
        assert_equal([plain[0]], [fused[0]])
        for name, one, other in zip(Bounds.state, plain[1], fused[1], strict=True):
            torch.testing.assert_close(other, one, rtol=0, atol=0, equal_nan=True, msg=name)
    assert fused[1].clamped[0, 0].isnan()
    assert fused[0][0, 0].tolist() == [0, 1, 0, 1, 1, 1, 0]


def test_minus_zero_is_a_constant_like_zero():
    class Signed(NeuronModel):
        """Numbers -0.0 and 0.0 in one step."""

        state = {"v": -0.0, "u": 0.0}
        graded = True

        def step(self, current, state, p, dt):
            v = torch.where(current > 0, -0.0, current + 0.0)
            return (v >= -0.0) * 1.0 + (v <= 0.0) * 2.0, self.State(v, state.u - 0.0 * current)

    plain, fused = on_both(lambda: Signed()(SPECIAL[None, None, 3:]))
    assert_equal([plain[0], *plain[1]], [fused[0], *fused[1]])
    assert plain[0][0, 0].tolist() == [3, 3, 3, 2]
