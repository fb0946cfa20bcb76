import math
from typing import get_args

import pytest
import torch

from lightning_snn.dynamics import surrogate
from lightning_snn.dynamics.surrogate import Surrogate, spike

DERIVATIVES = {
    "atan": lambda x: 1 / (1 + (math.pi * x) ** 2),
    "fast_sigmoid": lambda x: 1 / (1 + 10 * abs(x)) ** 2,
    "triangle": lambda x: max(0.0, 1 - abs(x)),
}
SMOOTH = {
    "atan": lambda x: torch.atan(torch.pi * x) / torch.pi,
    "fast_sigmoid": lambda x: x / (1 + 10 * x.abs()),
}
every_surrogate = pytest.mark.parametrize("name", DERIVATIVES)


def grid():
    return torch.linspace(-3, 3, 61, dtype=torch.float64).requires_grad_()


def gradient(values, x):
    return torch.autograd.grad(values.sum(), x)[0]


def test_the_names_are_those_of_the_option():
    assert set(surrogate.names()) == set(get_args(Surrogate)) == set(DERIVATIVES)
    assert sorted(surrogate.number(name) for name in DERIVATIVES) == list(range(len(DERIVATIVES)))


@every_surrogate
def test_forward_is_a_step_that_includes_zero(name):
    x = torch.tensor([-1.0, -1e-30, -0.0, 0.0, 1e-30, 5.0])
    assert spike(x, name).tolist() == [0, 0, 1, 1, 1, 1]


@every_surrogate
def test_backward_is_the_named_derivative(name):
    x = grid()
    expected = torch.tensor([DERIVATIVES[name](value) for value in x.tolist()], dtype=torch.float64)
    torch.testing.assert_close(gradient(spike(x, name), x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", SMOOTH)
def test_backward_is_the_gradient_of_the_smooth_stand_in(name):
    x = grid()
    assert torch.autograd.gradcheck(SMOOTH[name], x)
    torch.testing.assert_close(gradient(spike(x, name), x), gradient(SMOOTH[name](x), x))


@every_surrogate
def test_backward_scales_with_the_gradient_from_above(name):
    x = grid()
    torch.testing.assert_close(gradient(3 * spike(x, name), x), 3 * gradient(spike(x, name), x))


def test_default_is_atan():
    x = grid()
    assert torch.equal(gradient(spike(x), x), gradient(spike(x, "atan"), x))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_keeps_the_dtype(dtype):
    assert spike(torch.zeros(2, dtype=dtype)).dtype == dtype
