"""A state of another batch, size, format or device is refused by every operator before a kernel runs."""

import pytest
import torch

from lightning_snn import (
    LIF,
    STDP,
    CompetitiveHebbian,
    ConductanceLIF,
    Dense,
    ExponentialCurrent,
    IntegrateFire,
    Izhikevich,
    LateralKernel,
    Relay,
    Square,
)
from lightning_snn.network import NetworkState, SpikingLayer, SpikingNetwork
from lightning_snn.neurons import NeuronModel
from lightning_snn.ops import backend
from lightning_snn.ops.event_sum import event_sum
from lightning_snn.ops.exponential_filter import exponential_filter
from lightning_snn.ops.stdp_window import stdp_window
from lightning_snn.plasticity import Activity

MODELS = {
    "lif": LIF(),
    "izhikevich": Izhikevich(),
    "integrate and fire": IntegrateFire(),
    "conductance": ConductanceLIF(),
}
COUPLED = {"lif": LIF(), "izhikevich": Izhikevich(), "conductance": ConductanceLIF()}
backends = pytest.mark.parametrize("backend_name", ["reference", "numba"])
no_bits = pytest.mark.parametrize("needs_gradient", [False, True])


class Loop(NeuronModel):
    """A model of a user's own, in the plain loop."""

    state = {"v": 0.0}
    compiled = False

    def step(self, current, state, p, dt):
        v = state.v + current * dt
        spikes = self.spike(v - 1)
        return spikes, self.State(v - spikes.detach())


@backends
@no_bits
@pytest.mark.parametrize("shape", [(1, 20), (64, 1), (8, 20), (64, 21), (20, 64)])
@pytest.mark.parametrize("kind", MODELS)
def test_a_state_of_another_batch_or_size_is_refused(kind, shape, needs_gradient, backend_name):
    model, current = MODELS[kind], torch.rand(5, 64, 20, requires_grad=needs_gradient)
    state = model.rest(*shape, torch.zeros(1))
    message = (
        rf"state.v must be \[64, 20\] to fit an input of \[5, 64, 20\], got \[{shape[0]}, {shape[1]}\]: a"
    )
    with backend.use(backend_name), pytest.raises(ValueError, match=message):
        model(current, state)
    with backend.use(backend_name), pytest.raises(ValueError, match=message):
        model.scan(current, state)


def test_so_it_is_by_neurons_without_an_operator():
    for model in (Relay(), Loop()):
        with pytest.raises(ValueError, match=r"state.v must be \[64, 20\] .*, got \[1, 20\]"):
            model(torch.rand(5, 64, 20), model.rest(1, 20, torch.zeros(1)))


@backends
@pytest.mark.parametrize("kind", MODELS)
def test_fields_of_other_shapes_formats_and_devices_are_refused(kind, backend_name):
    model, current = MODELS[kind], torch.rand(5, 3, 4)
    state = model.rest(3, 4, current)
    last = state._fields[-1]

    def refused(message, value):
        with backend.use(backend_name), pytest.raises(ValueError, match=message):
            model(current, state._replace(**{last: value}))

    refused(rf"state.{last} must be \[3, 4\] .* got \[1, 4\]", getattr(state, last)[:1])
    refused(rf"state must hold numbers of one format, .*{last} torch.float64", getattr(state, last).double())
    refused(rf"state.{last} must be on cpu like the input, got meta", getattr(state, last).to("meta"))
    half = type(state)(*(value.half() for value in state))
    with (
        backend.use(backend_name),
        pytest.raises(ValueError, match=r"float32 or float64, got v torch\.float16"),
    ):
        model(current, half)


@backends
@pytest.mark.parametrize("kind", COUPLED)
def test_sheets_check_states_first_spikes_and_coupling(kind, backend_name):
    model, current, rows = COUPLED[kind], torch.rand(5, 3, 4), torch.zeros(4, 4)
    state, spikes = model.rest(3, 4, current), torch.zeros(3, 4)
    for wrong, message in {
        (model.rest(1, 4, current), spikes, rows): r"state.v must be \[3, 4\]",
        (state, spikes[:1], rows): r"spikes must be \[3, 4\]",
        (state, spikes, torch.zeros(3, 3)): "coupling must be|rows must be",
    }.items():
        with backend.use(backend_name), pytest.raises(ValueError, match=message):
            model.scan_sheet(current, *wrong)


@backends
@pytest.mark.parametrize("target", ["current", "inhibition"])
def test_uniform_coupling_checks_states_and_first_spikes(target, backend_name):
    model, current = ConductanceLIF(), torch.rand(5, 3, 4)
    state, spikes = model.rest(3, 4, current), torch.zeros(3, 4)
    for wrong, message in {
        (model.rest(1, 4, current), spikes): r"state.v must be \[3, 4\]",
        (state, spikes[:1]): r"spikes must be \[3, 4\]",
    }.items():
        with backend.use(backend_name), pytest.raises(ValueError, match=message):
            model.scan_uniform(current, *wrong, 1.0, input=target)


@backends
@pytest.mark.parametrize("model", [LIF([1.0, 2.0, 3.0]), Izhikevich("heterogeneous", num_neurons=3)])
def test_parameters_of_another_number_of_neurons_are_refused(model, backend_name):
    current = torch.rand(5, 2, 40)
    state = LIF().rest(2, 40, current) if isinstance(model, LIF) else Izhikevich().rest(2, 40, current)
    with backend.use(backend_name), pytest.raises(ValueError, match=r"must hold 1 or 40 values, .* got 3"):
        model.scan(current, state)


@backends
def test_filters_sums_and_windows_check_what_they_start_from(backend_name):
    current, trace = torch.rand(5, 3, 4), torch.zeros(3, 4)
    with backend.use(backend_name):
        with pytest.raises(ValueError, match=r"start must be \[3, 4\] .* got \[1, 4\]"):
            exponential_filter(current, trace[:1], 0.5)
        with pytest.raises(ValueError, match="start must hold numbers of one format, float32 or float64"):
            exponential_filter(current, trace.half(), 0.5)
        with pytest.raises(ValueError, match=r"rows must be \[N, M\] or .* got \[7, 2\] and \[3, 4\]"):
            event_sum(trace, torch.zeros(7, 2))
        decays = {"pre_decay": 0.5, "post_decay": 0.5}
        with pytest.raises(ValueError, match=r"post_trace must be \[3, 4\]"):
            stdp_window(current, current, trace, trace[:1], **decays)
        with pytest.raises(ValueError, match="traces must hold numbers of one format"):
            stdp_window(current, current, trace, trace.double(), **decays)
        coupling = LateralKernel(inhibition_range=2.0, storage="mesh").couple(Square(25, 5.0))
        with pytest.raises(ValueError, match=r"spikes must be \[..., 25\]"):
            coupling(torch.zeros(2, 24))


@backends
@pytest.mark.parametrize("rule", [STDP(), CompetitiveHebbian()], ids=["stdp", "competitive"])
def test_rules_check_the_streams_of_their_state(rule, backend_name):
    wiring = rule.initial(6, 4, torch.Generator())
    with backend.use(backend_name):
        if isinstance(rule, STDP):
            with pytest.raises(ValueError, match=r"state.v must be \[3, 4\] .* got \[2, 4\]"):
                rule.learn(Activity(torch.zeros(5, 3, 6)), wiring, rule.open(wiring, 2))
        with pytest.raises(ValueError, match=r"state.weight must be \[3, 7, 4\]"):
            rule.learn(Activity(torch.zeros(5, 3, 7)), wiring, rule.open(wiring, 3))


def layer(neuron=None, **options):
    return SpikingLayer(Square(20, 5.0), neuron or LIF(), **options)


def test_layers_and_networks_refuse_states_of_another_batch():
    one = layer()
    with pytest.raises(ValueError, match=r"state.spikes must be \[64, 20\]"):
        one(torch.rand(5, 64, 20), one.rest(1, torch.zeros(1)))
    mesh = LateralKernel(inhibition_range=2.0, storage="mesh")
    for model in (layer(lateral=mesh), layer(Relay(), lateral=mesh)):
        network = SpikingNetwork({"a": model})
        good, other = model.rest(64, torch.zeros(1)), model.rest(1, torch.zeros(1))
        for wrong, name in {
            good._replace(neurons=other.neurons): "state.v",
            good._replace(spikes=other.spikes): "state.layers.a.spikes",
        }.items():
            with pytest.raises(ValueError, match=rf"{name} must be \[64, 20\]"):
                network(torch.rand(5, 64, 20), NetworkState({"a": wrong}, {}))
    options = {"delay": 2.0, "kinetics": ExponentialCurrent(5.0)}
    network = SpikingNetwork({"a": layer(), "b": layer(projection=lambda n, m: Dense(n, m, **options))})
    _, state = network(torch.rand(5, 3, 20))
    smaller = NetworkState(network.rest(2, torch.zeros(1)).layers, state.connections)
    with pytest.raises(ValueError, match=r"state.on_the_way must be \[2, 2, 20\] .* got \[3, 2, 20\]"):
        network(torch.rand(5, 2, 20), smaller)


def test_synapses_refuse_states_of_another_batch_or_delay():
    delayed, spikes = Dense(20, 4, delay=2.0, kinetics=ExponentialCurrent(5.0)), torch.zeros(5, 3, 20)
    rest = delayed.rest(3, spikes, dt=1.0)
    for wrong in (Dense(20, 4).rest(3, spikes, dt=1.0), delayed.rest(3, spikes, dt=0.5)):
        with pytest.raises(ValueError, match=r"state\.on_the_way must hold the spikes of 2 steps"):
            delayed.transmit(spikes, wrong | {"current": rest["current"]}, dt=1.0)
    with pytest.raises(ValueError, match=r"start must be \[3, 4\] .* got \[1, 4\]"):
        delayed.transmit(spikes, rest | {"current": rest["current"][:1]}, dt=1.0)


@pytest.mark.parametrize("name", ["auto", "reference"])
@pytest.mark.parametrize(
    "state",
    [
        (torch.zeros(2, 3),) * 3,
        Izhikevich().rest(2, 3, torch.zeros(1)),
        LIF().rest(2, 3, torch.zeros(1))._replace(v=None),
    ],
    ids=["tuple", "another model's", "None"],
)
def test_a_state_of_something_else_is_refused(name, state):
    with (
        backend.use(name),
        pytest.raises(ValueError, match=r"state must be a LIFState of tensors, .* got \w+"),
    ):
        LIF()(torch.zeros(4, 2, 3), state)
