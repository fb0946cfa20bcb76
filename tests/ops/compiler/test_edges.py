"""What a step may call, compiled as step by step."""

import math

import pytest
import torch
import torch.nn.functional as F
from helpers.tensors import rand

from lightning_snn import NeuronModel
from lightning_snn.ops import backend
from lightning_snn.ops.compiler import CannotCompileError

EDGES = [0.0, 1e-8, 1e-4, 0.03, 0.0501, 0.5, 1.0, 2.5, 9.0, 30.0, 88.0, 100.0, 1e7]

KINDS = {
    "log1p": lambda x: torch.log1p(x.abs()),
    "expm1": torch.expm1,
    "softplus": F.softplus,
    "tanh": torch.tanh,
    "lerp": lambda x: torch.lerp(x, 2 * x, torch.sigmoid(x)),
    "addcdiv": lambda x: torch.addcdiv(x, x, x.abs() + 1, value=0.5),
    "powers": lambda x: sum((x.abs() + 0.5) ** p for p in (-2, -1, -0.5, 0, 0.5, 1, 1.5)),
    "logic": lambda x: ((x > -1) + (x > 1)) * ((x > -1) * (x < 9)) * torch.logical_and(x > -2, x) * 2.0,
    "truths chosen": lambda x: torch.where(torch.where(x > 0, True, False) & (x < 1), x, 0.0),
    "infinite": lambda x: torch.where(torch.isfinite(1 / x), math.inf, -math.inf),
    "as numbers": lambda x: (x > 0).to(x.dtype) + torch.where(x > 1, 1.0, 0.0),
}
DOUBLE = ("expm1", "infinite", "as numbers")


def of(change, keep=torch.zeros_like):
    """A model that sends what ``change`` makes of its input, and keeps what ``keep`` makes of it."""

    class Sent(NeuronModel):
        """Of no use."""

        state = {"v": 0.0}
        graded = True

        def step(self, current, state, p, dt):
            return change(current) + 0 * current, self.State(keep(current))

    return Sent()


def differentiated(change, name, x):
    leaf = x.clone().requires_grad_()
    with backend.use(name):
        sent, _ = of(change)(leaf)
    sent.backward(torch.ones_like(sent))
    return sent.detach(), leaf.grad


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [*((kind, torch.float32) for kind in KINDS), *((kind, torch.float64) for kind in DOUBLE)],
)
def test_operators_and_their_gradients_are_those_of_the_plain_loop(kind, dtype):
    edges = torch.tensor([*EDGES, *(-x for x in EDGES)], dtype=dtype)[None, None]
    plain, gradient = differentiated(KINDS[kind], "reference", edges)
    found, compiled = differentiated(KINDS[kind], "numba", edges)
    assert plain.unique().numel() > 1
    torch.testing.assert_close(found, plain, rtol=2e-6, atol=1e-30)
    torch.testing.assert_close(compiled, gradient, rtol=2e-6, atol=2e-7)


def test_log1p_of_infinity_is_infinite():
    """The quotient that makes it exact is none of infinities."""
    with backend.use("numba"):
        _, end = of(torch.sign, torch.log1p)(torch.full((1, 1, 1), math.inf))
    assert end.v.item() == math.inf


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x / x.shape[1], "a branch on a value or a shape"),
        (lambda x: x if len(x) > 2 else -x, "a branch on a value or a shape"),
        (lambda x: torch.round(x, decimals=1), "the operator round with these arguments"),
        (lambda x: torch.div(x, 0.7, rounding_mode="floor"), "the operator div with these arguments"),
        (lambda x: x ** torch.tensor(2.3), "a power other than half numbers from -4 to 4"),
    ],
)
def test_what_would_give_other_numbers_is_refused(change, message):
    with pytest.raises(CannotCompileError, match=message):
        of(change)(rand(2, 2, 3))
