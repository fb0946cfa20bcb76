"""What must hold for every neuron model, those of the package and a user's own."""

import copy
import math
import pickle
import sys
from contextlib import nullcontext

import pytest
import torch
from helpers.kernels import assert_gradients, interpreted, on_both
from helpers.models import EVERY, as_users_file
from helpers.tensors import assert_equal, rand
from jsonargparse import ArgumentParser
from torch import nn

import lightning_snn
from lightning_snn import BalancedResonateFire, SpikingLayer, Square
from lightning_snn.neurons import NeuronModel, running
from lightning_snn.ops import backend
from lightning_snn.ops.tap import Tap

T, B, N = 40, 2, 3
each = pytest.mark.parametrize("case", EVERY.values(), ids=EVERY)
backends = pytest.mark.parametrize("name", ["reference", "auto"])
APPROXIMATE = {"AdEx", "HodgkinHuxley", "BalancedResonateFire"}
"""Models whose step holds an exponential, which kernels compute to another last bit."""
QUIET = {
    "LIF": {"v_reset", "tau_adaptation"},
    "ConductanceLIF": {"tau_adaptation", "tau_inhibition", "reversal_inhibition"},
    "AdaptiveLIF": {"beta", "refractory"},
    "HodgkinHuxley": {"threshold"},
    "AdEx": {"peak"},
}
"""Constants that do nothing where others are as in these tests."""

STILL = {
    "LIF": {"v_reset", "tau_adaptation"},
    "ConductanceLIF": {"tau_inhibition", "reversal_inhibition"},
}
"""Constants, beside those that are counted in steps, that have no gradient."""


def alike(case, found, expected, rtol=None):
    """The same bits; close where a step holds an exponential, and where ``rtol`` is given."""
    if case.kind.__name__ not in APPROXIMATE and rtol is None:
        return assert_equal(found, expected)
    for a, b in zip(found, expected, strict=True):
        scale = float(b.detach().abs().max()) or 1.0
        near = rtol or (1e-12 if a.dtype == torch.float64 else 1e-5)
        torch.testing.assert_close(a, b, rtol=near, atol=near * scale)
    return None


def run(model, *args, **options):
    spikes, state = model(*args, **options)
    return [spikes, *state]


def test_every_model_of_the_package_is_here():
    found = {getattr(lightning_snn, name) for name in lightning_snn.__all__}
    models = {x for x in found if isinstance(x, type) and issubclass(x, NeuronModel)} - {NeuronModel}
    assert models == {case.kind for name, case in EVERY.items() if name != "a user's AdEx"}


@each
def test_its_spikes_are_those_of_the_plain_loop(case):
    expected, found = on_both(lambda: run(case.model(), case.current(T, B, N)), "auto")
    if not case.kind.graded:
        assert set(expected[0].unique().tolist()) == {0, 1}
    assert expected[0].mean() > 0.01
    alike(case, found, expected)


@each
@backends
def test_fields_of_a_state_are_tensors_of_their_own(case, name):
    model, current = case.model(), case.current(T, B, N)
    with backend.use(name):
        start = model.rest(B, N, current)
        first = model.advance(current[0], start)
        second = model(current, start)
    given = [current, *start]
    for spikes, state in (first, second):
        own = [*state, spikes]
        assert all(x.untyped_storage().nbytes() == x.numel() * x.element_size() for x in state)
        places = [x.untyped_storage().data_ptr() for x in (*given, *own)]
        assert len({*places}) == len(places)


def other(value):
    """Another value, in the range of every constant of these models."""
    return value * 1.05 if value else 0.5


@each
@backends
def test_a_step_that_is_changed_acts_at_once(case, name):
    model, current = case.model(), case.current(T, B, N)
    with backend.use(name):
        before = run(model, current)
        model.dt = 0.4 * model.dt
        after = run(model, current)
        assert_equal(after, run(case.model(dt=model.dt), current))
    assert not all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


@each
def test_a_constant_that_is_changed_acts_at_once(case):
    current, quiet = case.current(T, B, N), []
    for name in case.constants:
        model, value = case.model(), case.number(name)
        with backend.use("reference"):
            before = run(model, current)
            setattr(model, name, other(value))
            after = run(model, current)
            assert_equal(after, run(case.model(**{name: other(value)}), current))
        assert torch.as_tensor(getattr(model, name)).item() == pytest.approx(other(value))
        quiet += [name] if all(torch.equal(a, b) for a, b in zip(before, after, strict=True)) else []
    assert {*quiet} <= QUIET.get(case.kind.__name__, set())


@each
def test_a_sweep_compiles_once(case):
    names = [x for x in case.constants if case.number(x) not in (0, 1)]
    model, current, found = case.model(), case.current(5, 1, N), []
    run(model, current)
    count = len(running._programs)
    for k in range(20):
        for name in names:
            setattr(model, name, case.number(name) * (1 + k / 1000))
        found.append(torch.stack(run(model, current)[1:]))
        if k == 19:
            given = {x: case.number(x) * (1 + k / 1000) for x in names}
            assert_equal(run(model, current), run(case.model(**given), current))
    assert len(running._programs) == count
    assert len({x.sum().item() for x in found}) > 15 or {*names} <= {"threshold"}


def learning(case, **options):
    """A model all of whose constants are learned, every other one for each neuron; its input and state."""
    values = {x: case.number(x) for x in case.constants}
    values |= {x: [values[x] * (1 + k / 100) for k in range(N)] for x in case.constants[::2]}
    model = case.model(learn=case.constants, **values, **options).double()
    with backend.use("reference"), torch.no_grad():
        _, state = model(case.current(7, B, N, seed=1, dtype=torch.float64))
    leaves = [case.current(T, B, N, dtype=torch.float64), *state]
    current, *state = (x.requires_grad_() for x in leaves)
    return model, current, model.State(*state)


@each
@pytest.mark.parametrize("detach", [True, False])
def test_gradients_of_inputs_states_and_constants_are_those_of_the_plain_loop(case, detach):
    """With the surrogate that is the default; or with another, and a gradient through the reset."""
    changed = {} if detach else {"detach_reset": False, "surrogate": "fast_sigmoid", "slope": 5.0}
    model, current, state = learning(case, **{} if case.kind.graded else changed)
    leaves, found = [current, *state, *model.parameters()], []
    for name in ("reference", "numba"):
        with backend.use(name), interpreted():
            outputs = run(model, current, state)
            loss = sum((rand(*x.shape, seed=k) * x).sum() for k, x in enumerate(outputs))
            found.append((outputs, torch.autograd.grad(loss, leaves, allow_unused=True)))
    (expected, true_gradients), (outputs, gradients) = found
    alike(case, outputs, expected)
    seen = {}
    names = ["current", *state._fields, *case.constants]
    for key, leaf, gradient, true in zip(names, leaves, gradients, true_gradients, strict=True):
        gradient, true = (torch.zeros_like(leaf) if x is None else x for x in (gradient, true))
        assert true.isfinite().all(), key
        scale = float(true.abs().max()) or 1.0
        torch.testing.assert_close(gradient / scale, true / scale, rtol=1e-9, atol=1e-9, msg=key)
        seen[key] = bool(true.any())
    assert seen["current"]
    still = {name for name in case.constants if not seen[name]}
    assert still <= {"refractory"} | STILL.get(case.kind.__name__, set())


@each
def test_kernels_that_numba_compiles_have_the_gradients_of_the_plain_loop(case):
    current = case.current(T, B, N)

    def differentiated():
        leaf = current.clone().requires_grad_()
        outputs = run(case.model(), leaf)
        loss = sum((rand(*x.shape, seed=k) * x).sum() for k, x in enumerate(outputs))
        return torch.autograd.grad(loss, leaf)

    assert_gradients(*on_both(differentiated, "auto"))


@each
def test_sheets_and_what_is_seen_of_them_are_those_of_the_plain_loop(case):
    """Sums of what neurons send that is graded are in another order."""
    model, current = case.model(), case.current(T, B, N)
    state, spikes = model.rest(B, N, current), (rand(B, N) < 0.5).float()
    rows = 0.2 * case.most * (rand(N, N, seed=1) - 0.5)
    variables = [*state._fields]

    def coupled():
        tap = Tap({name: "before" if k % 2 else "after" for k, name in enumerate(variables)})
        with interpreted():
            found = [model.scan_sheet(current, state, spikes, rows, tap=tap)]
            for name in model.inputs:
                strength = 0.1 * case.most * (-1 if name == "current" else 1)
                found.append(model.scan_uniform(current, state, spikes, strength, input=name))
        return [*(y for sent, end in found for y in (sent, *end)), *tap.taken().values()]

    expected, found = on_both(coupled)
    assert expected[0].any()
    alike(case, found, expected, rtol=1e-5 if case.kind.graded else None)


@each
def test_learned_constants_are_parameters_and_come_back_from_a_state_dict(case):
    values = {x: other(case.number(x)) for x in case.constants}
    model, fresh = case.model(learn=case.constants, **values), case.model(learn=case.constants)
    assert {name for name, _ in model.named_parameters()} == {f"learned.{x}" for x in case.constants}
    fresh.load_state_dict(model.state_dict())
    for name in case.constants:
        assert getattr(fresh, name).item() == pytest.approx(values[name], rel=1e-6)
    current = case.current(T, B, N)
    with backend.use("reference"), torch.no_grad():
        assert_equal(run(fresh, current), run(model, current))


@each
def test_equal_numbers_one_a_neuron_or_learned_give_the_spikes_of_a_number(case):
    current = case.current(T, B, N)
    values = {x: [case.number(x)] * N for x in case.constants}
    with backend.use("reference"), torch.no_grad():
        expected = run(case.model(), current)
        for model in (case.model(**values), case.model(learn=case.constants, **values)):
            assert_equal(run(model, current)[:1], expected[:1])


@each
@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_it_is_finite_and_silent_under_any_constant_inhibition(case, dt):
    """A balanced oscillator swings back after half a turn, as its paper has it."""
    levels = -(10.0 ** torch.arange(1, 7))
    model, current = case.model(dt=dt), levels.expand(round(60 / dt), 1, -1)
    others = {name: -current for name in model.inputs[1:]}
    with nullcontext() if dt < 1 else interpreted():  # a step of 1 has kernels of its own
        found = run(model, torch.zeros_like(current) if others else current, **others)
    assert all(x.isfinite().all() for x in found)
    if not case.kind.graded:
        half_a_turn = round(500 / 12 / dt) if case.kind is BalancedResonateFire else None
        assert not found[0][:half_a_turn].any()


@each
@backends
def test_a_state_of_another_batch_is_refused(case, name):
    model, current = case.model(), case.current(4, B, N)
    state = model.rest(5, N, current)
    first = state._fields[0]
    with (
        backend.use(name),
        pytest.raises(ValueError, match=rf"^state\.{first} must be \[2, 3\].*got \[5, 3\]"),
    ):
        model(current, state)


@each
def test_half_modules_and_half_inputs_have_states_in_float32(case):
    current = case.current(T, B, N)
    for low in (torch.float16, torch.bfloat16):
        for model in (case.model(), case.model(learn=case.constants[:1])):
            spikes, state = model.to(low)(current.to(low))
            assert {x.dtype for x in (spikes, *state)} == {torch.float32}
            assert all(x.isfinite().all() for x in state)
            if not model.learned and not model._buffers:
                assert_equal([spikes, *state], run(case.model(), current.to(low).float()))


@each
def test_double_modules_have_states_in_float64(case):
    current = case.current(T, B, N, dtype=torch.float64)
    with interpreted():
        expected, found = on_both(lambda: run(case.model().double(), current))
    assert {x.dtype for x in found} == {torch.float64}
    alike(case, found, expected)


@each
def test_one_step_and_other_batches(case):
    model, current = case.model(), case.current(5, 64, N)
    whole = run(model, current)
    for b in (0, 63):
        found = run(model, current[:, b : b + 1])
        assert_equal(found, [whole[0][:, b : b + 1], *(x[b : b + 1] for x in whole[1:])])
    state = model.rest(64, N, current)
    spikes, after = model(current[:1], state)
    alike(case, [spikes[0], *after], [y for x in model.advance(current[0], state) for y in own(x)])


def own(x):
    return x if isinstance(x, tuple) else [x]


@each
def test_copies_and_pickles_are_alike_and_apart(case):
    model, current = case.model(learn=case.constants[:2]), case.current(T, B, N)
    with backend.use("reference"), torch.no_grad():
        expected = run(model, current)
        for made in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert_equal(run(made, current), expected)
            made.dt = 0.1 * made.dt
            for parameter in made.parameters():
                parameter.add_(0.5)
        assert_equal(run(model, current), expected)


@each
def test_a_node_knows_its_constants(case):
    values = {x: [case.number(x) * (1 + k / 100) for k in range(9)] for x in case.constants}
    node = SpikingLayer(Square(9, side=3.0), case.model(**values)).node(4)
    found = {x: node.parameters[x] for x in case.constants}
    assert found == {x: pytest.approx(values[x][4]) for x in case.constants}


@each
def test_it_comes_from_a_configuration(case, tmp_path):
    """By the public path of its class, or that of a user's file, with its arguments."""
    as_users_file(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        patch.delitem(sys.modules, "adex")
        ours = case.kind.__module__.startswith("lightning_snn.")
        path = f"lightning_snn.{case.kind.__name__}" if ours else "adex.AdEx"
        parser = ArgumentParser(exit_on_error=False)
        parser.add_argument("--neuron", type=NeuronModel)
        options = {**case.options, "learn": case.constants[:1], "dt": 0.25}
        config = parser.parse_object({"neuron": {"class_path": path, "init_args": options}})
        model = parser.instantiate_classes(config).neuron
    assert type(model).__name__ == case.kind.__name__
    assert model.dt == 0.25
    assert [*model.learned] == case.constants[:1]
    for name, value in case.options.items():
        assert getattr(model, name) == value or name == "dt"


class Together(nn.Module):
    """All models on the same input, so that they are exported and compiled at once."""

    def __init__(self):
        super().__init__()
        self.models = nn.ModuleList(case.model() for case in EVERY.values())
        self.scales = [case.most for case in EVERY.values()]

    def forward(self, x):
        return [y for model, most in zip(self.models, self.scales, strict=True) for y in run(model, most * x)]


@pytest.mark.parametrize("strict", [False, True])
def test_every_model_is_exported(strict):
    module, x = Together(), rand(T, B, N)
    program = torch.export.export(module, (x,), strict=strict).module()
    assert_equal(program(rand(T, B, N, seed=1)), module(rand(T, B, N, seed=1)))


def test_every_model_is_compiled_with_its_gradient():
    module, x = Together(), rand(T, B, N).requires_grad_()
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    found, expected = compiled(x), module(x)
    assert_equal([y.detach() for y in found], [y.detach() for y in expected])
    gradients = (torch.autograd.grad(sum(y.sum() for y in out), x)[0] for out in (found, expected))
    torch.testing.assert_close(next(gradients), next(gradients))


def test_autocast_changes_no_model():
    module, x = Together(), rand(T, B, N)
    expected = module(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert_equal(module(x), expected)


IN_MV = {
    "LIF": {"v_rest": 0.0, "v_reset": -0.2, "threshold": 1.0, "adaptation": 0.1},
    "CurrentLIF": {"v_rest": 0.0, "v_reset": -0.2, "threshold": 1.0},
    "AdaptiveLIF": {"v_rest": 0.0, "threshold": 1.0, "beta": 20.0},
    "PLIF": {"v_reset": 0.0, "threshold": 1.0},
    "QuadraticIF": {"v_rest": 0.0, "v_reset": -0.2, "threshold": 1.0, "peak": 5.0, "curvature": 1.0},
}
"""Models that are dimensionless or in mV, and what of their constants is a potential, or has one in it."""


@pytest.mark.parametrize("kind", IN_MV)
def test_potentials_may_be_in_mv(kind):
    """With potentials ``-65 + 15 v`` spikes and gradients are the same."""
    case, constants = EVERY[kind], IN_MV[kind]
    rise, divided = {"adaptation", "beta"}, {"curvature"}
    given = {
        x: 15 * value if x in rise else value / 15 if x in divided else -65 + 15 * value
        for x, value in constants.items()
    }
    size = 15.0
    if "resistance" in case.constants:
        given, size = given | {"resistance": 15.0}, 1.0
    found = []
    for values, gain in ((constants, 1.0), (given, size)):
        current = case.current(T, B, N, dtype=torch.float64).requires_grad_()
        with backend.use("reference"):
            spikes, _ = case.kind(**values, dt=0.5)(gain * current)
        (gradient,) = torch.autograd.grad((rand(*spikes.shape) * spikes).sum(), current)
        found.append((spikes.detach(), gradient))
    assert 0 < found[0][0].mean() < 1
    assert_equal(found[0][:1], found[1][:1])
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "kind", ["LIF", "AdEx", "QuadraticIF", "AdaptiveLIF", "ResonateFire", "HodgkinHuxley"]
)
def test_the_scale_of_the_surrogate_is_an_argument(kind):
    """The gradient of a spike far below threshold shrinks with the square of the distance in its unit."""
    case, found = EVERY[kind], []
    for scale in (1e-4, 1e-3):
        current = torch.zeros(1, 1, 1, dtype=torch.float64, requires_grad=True)
        with backend.use("reference"):
            spikes, _ = case.model(scale=scale)(current)
        found.append(torch.autograd.grad(spikes.sum(), current)[0].item())
    assert found[1] / found[0] == pytest.approx(10, rel=1e-2)  # (1 / scale) / (1 / scale)^2
    for wrong in (0.0, -1.0, math.inf):
        with pytest.raises(ValueError, match=r"^scale must be a finite number above 0, got"):
            case.model(scale=wrong)
