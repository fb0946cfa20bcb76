import json
import math
import sys
from typing import get_args

import pytest
import torch
from jsonargparse import ArgumentParser
from torch.fx.experimental.proxy_tensor import make_fx

from lightning_snn.core.config import Configurable, to_config
from lightning_snn.dynamics import surrogate
from lightning_snn.dynamics.surrogate import Surrogate, SurrogateName, resolve, spike


def gaussian(x, mean, deviation):
    return math.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))


def logistic(x):
    return 1 / (1 + math.exp(-x))


def normal(x):
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def ramp(x):
    x = max(-1.0, min(x, 1.0))
    return x - math.copysign(x**2 / 2, x)


def yin(x, sigma):
    far = gaussian(x, sigma, 6 * sigma) + gaussian(x, -sigma, 6 * sigma)
    return 1.15 * gaussian(x, 0, sigma) - 0.15 * far


DERIVATIVES = {
    "atan": lambda x, a=2.0: a / 2 / (1 + (math.pi / 2 * a * x) ** 2),
    "fast_sigmoid": lambda x, a=10.0: 1 / (1 + a * abs(x)) ** 2,
    "sigmoid": lambda x, a=4.0: a * logistic(a * x) * (1 - logistic(a * x)),
    "triangle": lambda x, a=1.0: max(0.0, a * (1 - a * abs(x))),
    "multi_gaussian": lambda x, a=2.0: yin(x, 1 / a),
    "straight_through": lambda _: 1.0,
}
AS_BEFORE = {
    "atan": lambda x: 1 / (1 + (torch.pi * x) ** 2),
    "fast_sigmoid": lambda x: 1 / (1 + 10 * x.abs()) ** 2,
    "triangle": lambda x: (1 - x.abs()).clamp_min(0),
}
INTEGRALS = {
    "atan": lambda x, a=2.0: math.atan(math.pi / 2 * a * x) / math.pi,
    "fast_sigmoid": lambda x, a=10.0: x / (1 + a * abs(x)),
    "sigmoid": lambda x, a=4.0: (1 + math.tanh(a * x / 2)) / 2,
    "triangle": lambda x, a=1.0: ramp(a * x),
    "multi_gaussian": lambda x, a=2.0: (
        1.15 * normal(a * x) - 0.15 * (normal((a * x - 1) / 6) + normal((a * x + 1) / 6))
    ),
}
AREAS = {"atan": 1.0, "fast_sigmoid": 0.2, "sigmoid": 1.0, "triangle": 1.0, "multi_gaussian": 0.85}
SLOPED = [name for name in DERIVATIVES if name != "straight_through"]
every_surrogate = pytest.mark.parametrize("name", DERIVATIVES)
floats = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def grid(dtype=torch.float64):
    return torch.linspace(-3, 3, 61, dtype=dtype).requires_grad_()


def gradient(values, x, **options):
    return torch.autograd.grad(values.sum(), x, **options)[0]


def bump(x):
    return 1 / (1 + x.abs())


def summed(x):
    return bump(x).sum()


def test_the_names_are_those_of_the_option():
    assert set(get_args(SurrogateName)) == set(DERIVATIVES)


@every_surrogate
@floats
def test_forward_is_a_step_that_includes_zero(name, dtype):
    x = torch.tensor([-math.inf, -1.0, -1e-30, -0.0, 0.0, 1e-30, 5.0, math.inf, math.nan], dtype=dtype)
    spikes = spike(x, name)
    assert spikes.tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 0]
    assert spikes.dtype == dtype


@every_surrogate
@floats
def test_backward_is_the_named_derivative(name, dtype):
    x = grid(dtype)
    expected = torch.tensor([DERIVATIVES[name](value) for value in x.tolist()], dtype=dtype)
    found = gradient(spike(x, name), x)
    assert found.dtype == dtype
    torch.testing.assert_close(found, expected, rtol=1e-5 if dtype == torch.float32 else 1e-12, atol=1e-7)


@pytest.mark.parametrize("name", SLOPED)
@pytest.mark.parametrize("slope", [0.5, 3.0, torch.tensor(7.0, dtype=torch.float64)])
def test_backward_has_the_slope(name, slope):
    x = grid()
    expected = [DERIVATIVES[name](value, float(slope)) for value in x.tolist()]
    torch.testing.assert_close(gradient(spike(x, name, slope), x), torch.tensor(expected).to(x))


@pytest.mark.parametrize("name", AS_BEFORE)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_the_bits_are_those_of_the_formula_without_a_slope(name, dtype):
    x = torch.randn(10_000, generator=torch.Generator().manual_seed(0)).to(dtype).requires_grad_()
    assert torch.equal(gradient(spike(x, name), x), AS_BEFORE[name](x))


@pytest.mark.parametrize("name", SLOPED)
@pytest.mark.parametrize("slope", [(), (1.0,), (5.0,)])
def test_integrals_of_the_derivatives(name, slope):
    x = torch.linspace(-5, 5, 100_001, dtype=torch.float64)
    area = torch.trapezoid(resolve(name, *slope)(x), x)
    integral = INTEGRALS[name]
    assert float(area) == pytest.approx(integral(5.0, *slope) - integral(-5.0, *slope), abs=1e-6)


@pytest.mark.parametrize("name", AREAS)
def test_areas_by_their_closed_forms(name):
    integral = INTEGRALS[name]
    assert integral(1e9) - integral(-1e9) == pytest.approx(AREAS[name], abs=1e-8)
    steep = integral(1e9, 20.0) - integral(-1e9, 20.0)
    assert steep == pytest.approx(0.1 if name == "fast_sigmoid" else AREAS[name], abs=1e-8)


@every_surrogate
def test_backward_scales_with_the_gradient_from_above(name):
    x = grid()
    torch.testing.assert_close(gradient(3 * spike(x, name), x), 3 * gradient(spike(x, name), x))


def test_default_is_atan():
    x = grid()
    assert torch.equal(gradient(spike(x), x), gradient(spike(x, "atan"), x))


@pytest.mark.parametrize("name", ["atan", "sigmoid", "multi_gaussian", bump])
def test_the_second_derivative_is_that_of_the_derivative(name):
    x = grid()
    second = gradient(gradient(spike(x, name), x, create_graph=True), x)
    assert torch.autograd.gradcheck(resolve(name), x[x.detach().abs() > 0.05].detach().requires_grad_())
    torch.testing.assert_close(second, gradient(resolve(name)(x), x))


@pytest.mark.parametrize("name", [*DERIVATIVES, bump])
def test_functional_gradients(name):
    x = grid(torch.float32)
    expected = gradient(spike(x, name), x)
    x = x.detach()
    assert torch.equal(torch.func.grad(lambda x: spike(x, name).sum())(x), expected)
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(lambda x: spike(x, name)))(x), expected)


class Spikes(torch.nn.Module):
    def __init__(self, *options):
        super().__init__()
        self.options = options

    def forward(self, x):
        return spike(2 * x, *self.options)


@pytest.mark.parametrize("options", [("atan", None), ("multi_gaussian", 3.0), (bump, None)])
def test_compiled_and_exported(options):
    x = grid(torch.float32)
    model = Spikes(*options)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    assert torch.equal(gradient(compiled(x), x), gradient(model(x), x))
    for strict in (False, True):
        exported = torch.export.export(model, (x.detach(),), strict=strict).module()
        assert torch.equal(exported(x.detach()), model(x.detach()))


@every_surrogate
def test_a_trace_holds_elementwise_operators_alone(name):
    def both(x, above):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            spikes = spike(x, name)
        return spikes, *torch.autograd.grad(spikes, x, above)

    traced = make_fx(both)(torch.rand(2, 3), torch.rand(2, 3))
    calls = {node.target.overloadpacket.__name__ for node in traced.graph.nodes if node.op == "call_function"}
    assert calls <= {
        "abs", "add", "alias", "clamp_min", "detach", "div", "exp", "ge", "mul", "ones_like", "pow",
        "reciprocal", "rsub", "sigmoid", "sub", "_to_copy",
    }  # fmt: skip
    x, above = torch.randn(2, 3), torch.randn(2, 3)
    assert all(torch.equal(*pair) for pair in zip(traced(x, above), both(x, above), strict=True))


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The path of a file of the user's own."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(surrogate, "_BY_PATH", {})
    (tmp_path / "my_surrogates.py").write_text("width = 2.0\ndef bump(x):\n    return 1 / (1 + x.abs())\n")
    (tmp_path / "my_broken_file.py").write_text("1 / 0\n")
    yield "my_surrogates"
    for name in ("my_surrogates", "my_broken_file"):
        sys.modules.pop(name, None)


def test_a_function_of_ones_own(mine):
    x = grid()
    for own in (bump, f"{mine}.bump", lambda x: bump(x)):
        spikes = spike(x, own)
        assert torch.equal(spikes, spike(x))
        assert torch.equal(gradient(spikes, x), bump(x))
    assert resolve(f"{mine}.bump") is resolve(f"{mine}.bump") is sys.modules[mine].bump
    compiled = torch.compile(Spikes(f"{mine}.bump"), fullgraph=True, backend="aot_eager")
    assert torch.equal(gradient(compiled(x), x), 2 * bump(2 * x))


class Model(Configurable):
    _functions = ("surrogate",)

    def __init__(self, surrogate: Surrogate = "atan", *, slope: float | None = None):
        self.derivative = resolve(surrogate, slope)


class Bump(Configurable):
    def __init__(self, width: float = 1.0):
        self.width = width

    def __call__(self, x):
        return bump(x / self.width) / self.width


def from_command_line(*options):
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Model, "model")
    return parser.instantiate(parser.parse_args([f"--model={__name__}.Model", *options])).model


def from_yaml(settings):
    return from_command_line(f"--model={json.dumps(settings)}")


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ((), Model()),
        (("--model.surrogate=sigmoid", "--model.slope=2"), Model("sigmoid", slope=2.0)),
        ((f"--model.surrogate={__name__}.bump",), Model(bump)),
        ((f"--model.surrogate={__name__}.Bump", "--model.surrogate.width=3"), Model(Bump(3.0))),
    ],
    ids=["default", "name", "function", "object"],
)
def test_a_command_line_and_yaml_name_a_surrogate(options, same):
    x = grid()
    given = from_command_line(*options)
    assert torch.equal(given.derivative(x), same.derivative(x))
    for one in (given, same):
        again = from_yaml(json.loads(json.dumps(to_config(one))))
        assert torch.equal(again.derivative(x), same.derivative(x))


def test_a_command_line_that_names_no_surrogate():
    with pytest.raises(Exception, match=r"surrogate must be one of atan, .*, got 'boxcar'"):
        from_command_line("--model.surrogate=boxcar")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ("boxcar",),
            "surrogate must be one of atan, fast_sigmoid, multi_gaussian, sigmoid, straight_through, "
            "triangle, or the dotted path of a function of the distance, got 'boxcar'",
        ),
        (("boxcar", 2.0), "surrogate must be one of .*, got 'boxcar'"),
        ((None,), "surrogate must be one of .*, got None"),
        (([1.0],), r"surrogate must be one of .*, got \[1\.0\]"),
        (
            ("my_missing_file.bump",),
            r"surrogate must be importable \(ModuleNotFoundError: No module named 'my_missing_file'\), got "
            "'my_missing_file.bump'",
        ),
        (
            ("my_surrogates.dent",),
            r"surrogate must be importable \(AttributeError: .*no attribute 'dent'\), got 'my_surr.*dent'",
        ),
        (
            ("my_broken_file.bump",),
            r"surrogate must be importable \(ZeroDivisionError: division by zero\), got 'my_broken.*bump'",
        ),
        ((".bump",), r"surrogate must be importable \(ValueError: Empty module name\), got '.bump'"),
        (
            ("my_surrogates.width",),
            r"surrogate must lead to a function of the distance, not 2\.0, got 'my_surrogates\.width'",
        ),
        (("atan", 0.0), "slope must be a finite number above 0, got 0.0"),
        (("atan", "steep"), "slope must be a finite number above 0, got steep"),
        (
            ("straight_through", 1.0),
            "slope must be left out for surrogate 'straight_through', which takes the distance alone, "
            "got 1.0",
        ),
        (("my_surrogates.bump", 2.0), "slope must be left out for surrogate 'my_surrogates.bump'"),
        ((bump, 2.0), "slope must be left out for surrogate <function bump"),
    ],
)
@pytest.mark.usefixtures("mine")
def test_mistakes(options, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        spike(torch.zeros(2), *options)


@pytest.mark.parametrize(
    ("own", "given"), [(summed, r"shape \[\] from <function summed"), (lambda _: 1.0, "1.0 from <function")]
)
def test_a_function_that_gives_no_value_for_each_distance(own, given):
    x = grid()
    with pytest.raises(ValueError, match=rf"a tensor of their shape \[61\], got {given}"):
        spike(x, own).sum().backward()
