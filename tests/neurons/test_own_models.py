"""Models of a user's own: what they may do, and what mistakes are told."""

import copy
import pickle

import pytest
import torch
from helpers.tensors import assert_equal, rand

from lightning_snn import LIF, Izhikevich, NeuronModel, Parameter, constant
from lightning_snn.ops import backend, compiler

CURRENT = 3 * rand(6, 2, 5) - 0.5


class Scaled(NeuronModel):
    """Its step reads attributes and a method's option."""

    state = {"v": 0.0, "w": 0.0}
    tau: Parameter = constant(default=4.0, unit="ms", above=0.0)
    bias = 0.0

    def __init__(self, *args, factor=1.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.factor, self.pair, self._hidden = factor, (1.0, [2.0]), 1.0

    def step(self, current, state, p, dt):
        drive = current * self.factor * self.pair[0] * self.pair[1][0] * self._hidden + self.bias
        v = state.v + (drive - state.v) * dt / p.tau
        spikes = self.spike(v - 1)
        return spikes, self.State(torch.where(spikes.detach() > 0, 0.0, v), state.w + spikes.detach())


class Steep(Scaled):
    """One with a further constant, though the constructor is that of the class above."""

    gain: Parameter = constant(default=2.0, kw_only=True)

    def step(self, current, state, p, dt):
        return super().step(current * p.gain, state, p, dt)


def assert_plain(model, current=CURRENT, **others):
    """The compiled run is that of the plain loop; returns its results."""
    found, state = model(current, **others)
    with backend.use("reference"):
        expected, end = model(current, **others)
    assert_equal([found, *state], [expected, *end])
    return found, *state


@pytest.mark.parametrize(
    ("name", "value"), [("factor", 2.0), ("pair", (0.5, [3.0])), ("_hidden", 0.25), ("surrogate", "triangle")]
)
def test_attributes_that_a_step_reads_may_change(name, value):
    model = Scaled()
    before = assert_plain(model)
    setattr(model, name, value)
    after = assert_plain(model)
    assert torch.equal(before[1], after[1]) == (name == "surrogate")


def test_a_constant_of_the_class_may_differ_from_class_to_class(monkeypatch):
    before = assert_plain(Scaled())
    monkeypatch.setattr(Scaled, "bias", 0.5)
    assert not torch.equal(assert_plain(Scaled())[1], before[1])


def test_options_that_are_set_later_are_checked():
    model = LIF()
    with pytest.raises(ValueError, match=r"^reset must be one of hard, soft, got 'sfot'$"):
        model.reset = "sfot"
    with pytest.raises(ValueError, match=r"^detach_reset must be True or False, got 'no'$"):
        model.detach_reset = "no"
    assert (model.reset, model.detach_reset) == ("hard", True)


def test_a_value_that_does_not_fit_the_others_is_not_taken():
    model = LIF(learn=["threshold"])
    for name, value in {"v_reset": 2.0, "threshold": -1.0}.items():
        with pytest.raises(ValueError, match="v_reset must lie below threshold"):
            setattr(model, name, value)
    assert (model.v_reset, model.threshold.item()) == (0.0, 1.0)


def test_learned_constants_keep_their_number():
    for given in (2.0, [1.0, 2.0]):
        model = LIF(given, learn=["tau_mem", "tau_mem"])
        with pytest.raises(
            ValueError, match=r"^tau_mem must hold 1 or \d values, as many as are learned, got 3"
        ):
            model.tau_mem = [1.0, 2.0, 3.0]
        model.tau_mem = [4.0]
        torch.testing.assert_close(model.tau_mem, torch.full_like(torch.tensor(given), 4.0))
    with pytest.raises(ValueError, match=r"^learn must be a list of names of constants, got 3$"):
        LIF(learn=3)


def test_a_constructor_of_ones_own_takes_constants_that_are_added():
    model = Steep(2.0, gain=0.5, factor=3.0)
    assert (model.tau, model.gain, model.factor) == (2.0, 0.5, 3.0)
    assert_plain(model)
    assert model.again(gain=1.0).factor == 3.0


@pytest.mark.parametrize("attribute", ["tau", "dt"])
def test_a_step_that_reads_a_constant_of_the_model_is_refused(attribute):
    class Own(Scaled):
        """It reads what it is given as an argument."""

        def step(self, current, state, p, dt):
            return super().step(current * getattr(self, attribute), state, p, dt)

    message = rf"test_own_models.py, line \d+: self.{attribute} cannot be compiled: read (p.tau|the dt)"
    with pytest.raises(compiler.CannotCompileError, match=message):
        Own()(CURRENT)


def test_a_step_that_changes_an_argument_in_place_is_refused():
    class Own(Scaled):
        """It writes on its state."""

        def step(self, current, state, p, dt):
            state.v.mul_(0.9)
            return super().step(current, state, p, dt)

    for current in (CURRENT, CURRENT.clone().requires_grad_()):
        with pytest.raises(compiler.CannotCompileError, match="an argument that is changed in place"):
            Own()(current)


def returning(result, **attributes):
    """A model whose step returns this of the model, spikes and v."""

    def step(self, current, state, *_):
        return result(self, self.spike(current), state.v + current)

    return type("Own", (NeuronModel,), {"state": {"v": 0.0, "w": 0.0}, "step": step, **attributes})


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda m, s, v: (m.State(v, v), s), r"the variables that `state` declares \(v, w\), got Tensor"),
        (lambda _, s, v: (s, v), r"the variables that `state` declares \(v, w\), got Tensor"),
        (lambda *x: (x[1], None), r"the variables that `state` declares \(v, w\), got NoneType"),
        (lambda _, s, v: (s, {"v": v}), r"the variables that `state` declares \(v, w\), got v$"),
        (lambda m, _, v: (None, m.State(v, v)), r"spikes as a tensor \[2, \d\] like the input, got NoneType"),
    ],
)  # fmt: skip
def test_what_a_step_returns_wrongly_is_told(result, message, compiled):
    with pytest.raises(ValueError, match=f"^Own.step must return {message}"):
        returning(result, compiled=compiled)()(CURRENT)


def test_what_a_step_returns_is_taken_by_name_and_in_the_format_of_the_state():
    mixed = returning(lambda m, _, v: (v > 1, {"w": torch.where(v > 1, m.a(), m.b()), "v": v}))
    mixed.a, mixed.b = (lambda *_, x=x: torch.tensor(x, dtype=torch.float64) for x in (0.5, 0.25))
    spikes, v, w = assert_plain(returning(lambda _, s, v: (v > 1, {"w": s, "v": v}))())
    assert (spikes.dtype, v.dtype) == (torch.float32, torch.float32)
    assert spikes.any()
    assert set(w.unique().tolist()) == {0.0, 1.0}
    with backend.use("reference"):
        assert mixed()(CURRENT)[1].w.dtype == torch.float32


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"rest": constant(default=0.0)}, "^Own.rest needs another name: every neuron model has a rest$"),
        ({"state": ("v",)}, r"^Own.state must say what each variable starts from, .* got \('v',\)$"),
        ({"state": {}}, r"^Own.state must say what each variable starts from"),
    ],
)
def test_a_class_that_is_declared_wrongly_is_refused(body, message):
    with pytest.raises(TypeError, match=message):
        returning(lambda m, s, v: (s, m.State(v, v)), **body)


def test_variables_start_from_constants_that_there_are():
    with pytest.raises(ValueError, match=r"^Own.state\['v'\] must be one of , got 'rest'$"):
        returning(lambda m, s, v: (s, m.State(v)), state={"v": "rest"})()


def test_what_follows_from_constants_are_numbers_by_name():
    for found in (None, {"k": "2"}, ()):
        own = returning(lambda m, s, v: (s, m.State(v, v)), constants=lambda *_, x=found: x)
        with pytest.raises(ValueError, match=r"^Own.constants must return tensors by name, got "):
            own()(CURRENT)


def test_copies_know_no_kernels():
    model = LIF()
    model(CURRENT)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert (len(model._known), len(other._known)) == (1, 0)
        assert_plain(other)


def test_other_buffers_for_one_call():
    model, current = Izhikevich("heterogeneous").sized(5), 10 * CURRENT
    before = assert_plain(model, current)
    others = {name: 1.25 * value for name, value in model.named_buffers()}
    spikes, state = torch.func.functional_call(model, others, (current,))
    with backend.use("reference"):
        expected, end = torch.func.functional_call(model, others, (current,))
    assert_equal([spikes, *state], [expected, *end])
    assert_equal(assert_plain(model, current), before)
    assert not torch.equal(state.v, before[1])


def test_transforms_of_torch_func():
    model = Scaled()
    gradient = torch.func.grad(lambda x: model(x)[1].v.sum())(CURRENT)
    leaf = CURRENT.clone().requires_grad_()
    model(leaf)[1].v.sum().backward()
    torch.testing.assert_close(gradient, leaf.grad)
    mapped = torch.vmap(lambda x: model(x)[0])(torch.stack([CURRENT, 2 * CURRENT]))
    assert_equal([*mapped], [model(CURRENT)[0], model(2 * CURRENT)[0]])


def test_code_that_torch_compile_made_sees_changed_options():
    model = LIF(2.0, detach_reset=False)
    compiled = torch.compile(lambda x: model(x)[1].v, backend="aot_eager")

    def differentiate(run):
        leaf = CURRENT.clone().requires_grad_()
        run(leaf).sum().backward()
        return leaf.grad

    found = [differentiate(compiled)]
    for name, value in {"surrogate": "triangle", "slope": 3.0, "detach_reset": True, "reset": "soft"}.items():
        setattr(model, name, value)
        found.append(differentiate(compiled))
        torch.testing.assert_close(found[-1], differentiate(lambda x: model(x)[1].v))
        assert not torch.equal(found[-2], found[-1])


def test_a_state_of_a_class_that_was_defined_anew_is_told():
    one, other = (returning(lambda m, s, v: (s, m.State(v, v)))() for _ in range(2))
    with pytest.raises(ValueError, match=r"got OwnState of another class$"):
        other(CURRENT, one.rest(2, 5, CURRENT))
