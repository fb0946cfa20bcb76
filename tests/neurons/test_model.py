"""What all neuron models share: named inputs, the step of a network, maps, single steps, uniform coupling."""

import pytest
import torch
from helpers.tensors import assert_equal, rand

from lightning_snn.neurons import LIF, ConductanceLIF, IntegrateFire, Izhikevich, NeuronModel, Relay
from lightning_snn.ops import backend

MODELS = {
    "lif": LIF(10.0, adaptation=0.1),
    "izhikevich": Izhikevich(),
    "integrate and fire": IntegrateFire(),
    "conductance": ConductanceLIF(10.0),
    "relay": Relay(),
}
each = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
SCALE = {Izhikevich: 20.0}


def current_of(model, *shape, dtype=torch.float32):
    return SCALE.get(type(model), 2.0) * rand(*shape, dtype=dtype)


class Difference(NeuronModel):
    """A model of a user's own with two inputs."""

    inputs = ("current", "loss")
    state = {"v": 0.0}

    def step(self, current, state, p, dt, *, loss):
        v = state.v + (current - loss) * dt
        spikes = self.spike(v - 1)
        return spikes, self.State(torch.where(spikes.detach() > 0, 0.0, v))


class PlainDifference(Difference):
    """The same in the plain loop."""

    compiled = False


@each
def test_an_input_that_the_model_does_not_have_is_refused(model):
    current = rand(4, 2, 3)
    state, rows = model.rest(2, 3, current), torch.zeros(3, 3)
    spikes = torch.zeros(2, 3)
    message = rf"^{type(model).__name__} has no input 'x': it has {', '.join(model.inputs)}$"
    for call in (
        lambda: model(current, x=current),
        lambda: model.scan(current, state, x=current),
        lambda: model.advance(current[0], state, x=current[0]),
        lambda: model.run_step(current[0], state, x=current[0]),
        lambda: model.scan_sheet(current, state, spikes, rows, x=current),
        lambda: model.scan_uniform(current, state, spikes, 1.0, input="x"),
        lambda: model.check_input("x"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    model.check_input("current")


@pytest.mark.parametrize("name", ["reference", "numba"])
def test_an_input_of_another_shape_is_refused(name):
    model, current = ConductanceLIF(), rand(4, 2, 3)
    state = model.rest(2, 3, current)
    for wrong in (rand(4, 2, 1), rand(3, 2, 3), rand(2, 3)):
        with (
            backend.use(name),
            pytest.raises(ValueError, match=r"inhibition must be \[4, 2, 3\] on cpu like"),
        ):
            model(current, state, inhibition=wrong)


@pytest.mark.parametrize("model", [Difference(), PlainDifference()])
def test_further_inputs_of_a_model_of_ones_own(model):
    current, loss = rand(9, 2, 3), 0.3 * rand(9, 2, 3, seed=1)
    expected, end = model(current - loss)
    assert expected.any()
    found, last = model(current, loss=loss)
    assert_equal([found, *last], [expected, *end])
    spikes, rows = torch.ones(2, 3), rand(3, 3, seed=2)
    sheet = model.scan_sheet(current, model.rest(2, 3, current), spikes, rows, loss=loss)[0]
    assert_equal([sheet], [model.scan_sheet(current - loss, model.rest(2, 3, current), spikes, rows)[0]])


@pytest.mark.parametrize("model", [Difference(), PlainDifference()])
@pytest.mark.parametrize("target", ["current", "loss"])
@pytest.mark.parametrize("given", [False, True])
def test_uniform_coupling_equals_a_loop(target, given, model):
    current, spikes = rand(30, 2, 5), (rand(2, 5, seed=1) < 0.5).float()
    others = {"loss": 0.1 * rand(30, 2, 5, seed=2)} if given else {}
    found, end = model.scan_uniform(
        current, model.rest(2, 5, current), spikes, -0.125, input=target, **others
    )
    state, expected = model.rest(2, 5, current), []
    for t in range(30):
        sent = torch.stack([-0.125 * (spikes.sum(1) - spikes[:, i]) for i in range(5)], 1)
        loss = others["loss"][t] if given else torch.zeros(2, 5)
        if target == "current":
            spikes, state = model.advance(current[t] + sent, state, loss=loss)
        else:
            spikes, state = model.advance(current[t], state, loss=loss + sent)
        expected.append(spikes)
    assert 0 < found.mean() < 1
    assert_equal([found, *end], [torch.stack(expected), *state])


@each
def test_a_single_step_is_the_step(model):
    current, state = current_of(model, 30, 3, 7), model.rest(3, 7, torch.zeros(1))
    fast, seen = state, 0.0
    leaf = current.clone().requires_grad_()
    slow = state
    for t in range(30):
        expected, state = model.advance(current[t], state)
        spikes, fast = model.run_step(current[t], fast)
        with_gradient, slow = model.run_step(leaf[t], slow)
        assert_equal([spikes, *fast], [expected, *state])
        assert_equal([with_gradient.detach(), *(x.detach() for x in slow)], [expected, *state])
        seen += spikes.sum()
    assert seen > 5
    (gradient,) = torch.autograd.grad(with_gradient.sum() + slow.v.sum(), leaf)
    assert gradient[-1].any()


def test_a_single_step_takes_further_inputs():
    model = ConductanceLIF()
    current, inhibition, state = rand(2, 3), rand(2, 3, seed=1), model.rest(2, 3, torch.zeros(1))
    spikes, end = model.run_step(current, state, inhibition=inhibition)
    assert torch.equal(end.inhibition, inhibition)
    expected, other = model.advance(current, state, inhibition=inhibition)
    assert_equal([spikes, *end], [expected, *other])


@each
@pytest.mark.parametrize("shape", [(3, 4, 5), (6, 2), (1, 1, 1, 1)])
def test_maps_are_rows_of_neurons(model, shape):
    current = current_of(model, 20, 2, *shape)
    others = {name: rand(20, 2, *shape, seed=1) for name in model.inputs[1:]}
    spikes, end = model(current, **others)
    second, last = model(current, end, **others)
    flat = {name: value.flatten(2) for name, value in others.items()}
    expected, state = model(current.flatten(2), **flat)
    again, final = model(current.flatten(2), state, **flat)
    assert expected.any() or expected.numel() < 100
    assert spikes.shape == second.shape == current.shape
    assert {value.shape for value in last} == {(2, *shape)}
    assert_equal([spikes.flatten(2), second.flatten(2)], [expected, again])
    assert_equal([value.flatten(1) for value in last], final)
    with pytest.raises(
        ValueError, match=rf"state.v must be \[2, {shape[0]}, .* got \[2, {state.v.shape[1]}\]"
    ):
        model(current, state)


def test_parameters_of_single_neurons_are_in_the_order_of_the_flattened_map():
    current = torch.full((1, 1, 2, 3), 1.0)
    model = LIF([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], threshold=10.0)
    v = model(current)[1].v
    expected = 1 - torch.exp(-1 / torch.arange(1.0, 7).reshape(1, 2, 3))
    torch.testing.assert_close(v, expected)


def test_gradients_pass_through_maps():
    current = (2 * rand(10, 2, 3, 4)).requires_grad_()
    spikes, end = LIF()(current)
    (gradient,) = torch.autograd.grad(spikes.sum() + end.v.sum(), current)
    assert gradient.shape == current.shape
    assert gradient.any()


KINDS = (LIF, Izhikevich, IntegrateFire, ConductanceLIF, Relay)


@pytest.mark.parametrize("kind", KINDS)
def test_the_step_is_the_networks_unless_the_model_has_its_own(kind):
    model = kind()
    assert (model.dt, model.own_dt) == (1.0, None)
    model.at(0.25, "layers.x.neuron.dt")
    assert (model.dt, model.own_dt, model.again().dt, model.again().own_dt) == (0.25, None, 0.25, None)
    model.at(2.0, "layers.x.neuron.dt")
    own = kind(dt=0.5)
    own.at(0.5, "layers.x.neuron.dt")
    assert (model.dt, own.dt, own.own_dt, own.again(dt=0.1).dt) == (2.0, 0.5, 0.5, 0.1)
    message = r"^layers.x.neuron.dt = 0.5, but the network's dt is 1.0: give dt once, to the network$"
    with pytest.raises(ValueError, match=message):
        own.at(1.0, "layers.x.neuron.dt")
    assert own.dt == 0.5


@pytest.mark.parametrize("kind", [LIF, Izhikevich, ConductanceLIF])
def test_a_step_that_is_set_later_acts_as_one_that_was_given(kind):
    model, given = kind(), kind(dt=0.25)
    current = current_of(model, 40, 2, 3)
    model(current)
    model.at(0.25, "layers.x.neuron.dt")
    state = model.rest(2, 3, current)
    for run in (
        lambda one: one(current),
        lambda one: one.advance(current[0], state),
        lambda one: one.run_step(current[0], state),
        lambda one: one.scan_uniform(current, state, torch.ones(2, 3), 0.5, input=one.inputs[-1]),
        lambda one: one.scan_sheet(current, state, torch.ones(2, 3), rand(3, 3)),
    ):
        (spikes, end), (expected, last) = run(model), run(given)
        assert_equal([spikes, *end], [expected, *last])


def test_a_population_that_is_sized_keeps_the_step_of_its_network():
    model = Izhikevich("heterogeneous", seed=0)
    model.at(0.5, "layers.x.neuron.dt")
    assert model.sized(7).dt == 0.5
