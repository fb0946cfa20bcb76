"""Networks of layers and connections: what runs when, held to loops that are written out here."""

import math
from functools import partial

import pytest
import torch
from helpers.networks import SIZES, by_hand, drive, layers_of, network_of

from lightning_snn.geometry import Maps, Square
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, ConductanceLIF, Izhikevich
from lightning_snn.synapses import Dense, ExponentialCurrent, Pool2d, UniformInhibition

TAU = 4.0

GRAPHS = {
    "chain": ["a_b", "b_c"],
    "skip": ["a_b", "b_c", "a_c"],
    "two inputs": ["a_c", "b_c"],
    "listed before": ["a_b", "c_b", "a_c"],
    "recurrence": ["a_b", "b_b", "b_c"],
    "two on themselves": ["a_a", "a_b", "b_c", "c_c"],
    "feedback": ["a_b", "b_c", "c_b"],
    "all": ["a_b", "b_c", "a_c", "c_a", "b_b", "c_c", "c_b"],
}
SYNAPSES = {
    "plain": {},
    "delay": {"delay": 2.0},
    "kinetics": {"kinetics": ExponentialCurrent(TAU)},
    "both": {"delay": 3.0, "kinetics": ExponentialCurrent(TAU)},
}


@pytest.mark.parametrize("kind", SYNAPSES)
@pytest.mark.parametrize("graph", GRAPHS)
def test_every_graph_runs_as_a_loop_over_steps(graph, kind):
    network = network_of(GRAPHS[graph], synapses=SYNAPSES[kind])
    inputs = {name: drive(nodes=SIZES[name]) for name in network.inputs}
    options = {}
    if "kinetics" in SYNAPSES[kind]:
        options["decay"] = math.exp(-1 / TAU)
    expected = by_hand(network, inputs, **options)
    found, state = network(inputs)
    for name in network.names:
        assert found[name].any()
        assert torch.equal(found[name], expected[name]), name
        assert torch.equal(state.layers[name].spikes, expected[name][-1])


@pytest.mark.parametrize("kind", SYNAPSES)
@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("split", [1, 17])
def test_a_run_in_two_parts_equals_one_long_run(graph, kind, split):
    network = network_of(GRAPHS[graph], synapses=SYNAPSES[kind])
    inputs = {name: drive(nodes=SIZES[name]) for name in network.inputs}
    whole, end = network(inputs)
    first, middle = network({name: x[:split] for name, x in inputs.items()})
    second, last = network({name: x[split:] for name, x in inputs.items()}, middle)
    for name in network.names:
        assert torch.equal(torch.cat([first[name], second[name]]), whole[name])
        assert torch.equal(last.layers[name].neurons.v, end.layers[name].neurons.v)
    assert last.connections.keys() == end.connections.keys() == network.connections.keys()
    for name, synapses in end.connections.items():
        for key, value in synapses.items():
            torch.testing.assert_close(last.connections[name][key], value)


@pytest.mark.parametrize("graph", GRAPHS)
def test_float64_and_another_dt(graph):
    network = network_of(GRAPHS[graph], dt=0.5).double()
    assert {network.layer(name).dt for name in network.names} == {0.5}
    inputs = {name: drive(nodes=SIZES[name], dtype=torch.float64) for name in network.inputs}
    found, _ = network(inputs)
    for name, spikes in by_hand(network, inputs).items():
        assert found[name].dtype == torch.float64
        assert torch.equal(found[name], spikes)
    ones, _ = network_of(GRAPHS[graph]).double()(inputs)
    assert not torch.equal(ones["c"], found["c"])


@pytest.mark.parametrize("graph", GRAPHS)
def test_one_step(graph):
    network = network_of(GRAPHS[graph])
    inputs = {name: drive(steps=1, nodes=SIZES[name]) for name in network.inputs}
    found, _ = network(inputs)
    for name, spikes in by_hand(network, inputs).items():
        assert torch.equal(found[name], spikes)


@pytest.mark.parametrize("graph", ["chain", "recurrence", "feedback"])
@pytest.mark.parametrize("kind", ["plain", "delay"])
def test_a_state_of_another_batch_is_refused(graph, kind):
    network = network_of(GRAPHS[graph], synapses=SYNAPSES[kind])
    _, state = network(drive(batch=1))
    with pytest.raises(ValueError, match=r"state\.\S+ must be .*64"):
        network(drive(batch=64), state)
    assert network(drive(batch=64))[0]["c"].shape == (30, 64, 8)


def test_currents_of_connections_add():
    network = network_of(["a_c", "b_c"])
    inputs = {"a": drive(), "b": drive(nodes=10, seed=1)}
    found, _ = network(inputs)
    a, b = (network.connection(name).projection for name in ("a_c", "b_c"))
    current = a(found["a"]) + b(found["b"])
    assert torch.equal(found["c"], network.layer("c").neuron(current)[0])
    without, _ = network.run(inputs, silent=["b_c"])
    assert torch.equal(without["c"], network.layer("c").neuron(a(found["a"]))[0])
    assert not torch.equal(without["c"], found["c"])


def test_a_tensor_drives_the_first_layer_and_any_layer_may_be_driven():
    network, current, more = network_of(["a_b", "b_c"]), drive(), drive(nodes=10, seed=1)
    assert network.inputs == ["a"]
    assert torch.equal(network(current)[0]["c"], network({"a": current})[0]["c"])
    both, _ = network({"a": current, "b": more})
    sent = network.connection("a_b").projection(both["a"])
    assert torch.equal(both["b"], network.layer("b").neuron(sent + more)[0])


def plain_loop(neuron, current, recurrent):
    """A recurrent layer as one would write it by hand."""
    state = neuron.rest(current.shape[1], current.shape[2], current)
    spikes, found = torch.zeros_like(current[0]), []
    for step in current:
        spikes, state = neuron.advance(step + spikes @ recurrent.t(), state)
        found.append(spikes)
    return torch.stack(found)


@pytest.mark.parametrize("synapses", [{}, {"gain": 2.0}])
def test_gradients_of_a_trainable_recurrent_connection(synapses):
    network = SpikingNetwork(
        {"a": SpikingLayer(Square(12, 5.0), LIF(5.0))},
        {"again": Connection("a", "a", partial(Dense, trainable=True, **synapses))},
        seed=0,
    )
    weight = network.connection("again").projection.weight
    current, weights = drive().requires_grad_(), torch.randn(30, 3, 12)
    found, _ = network(current)
    (found["a"] * weights).sum().backward()
    leaf, by_loop = weight.detach().clone().requires_grad_(), current.detach().clone().requires_grad_()
    expected = plain_loop(network.layer("a").neuron, by_loop, synapses.get("gain", 1.0) * leaf)
    (expected * weights).sum().backward()
    assert torch.equal(found["a"], expected)
    assert weight.grad.abs().sum() > 0
    torch.testing.assert_close(weight.grad, leaf.grad, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(current.grad, by_loop.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("kind", ["plain", "both"])
def test_gradients_reach_every_trainable_connection_and_the_input(graph, kind):
    network = network_of(GRAPHS[graph], synapses={"trainable": True, **SYNAPSES[kind]})
    inputs = {name: drive(nodes=SIZES[name]).requires_grad_() for name in network.inputs}
    options = {}
    if kind == "both":
        options["decay"] = math.exp(-1 / TAU)
    leaves = [*inputs.values(), *network.parameters()]

    def gradients(spikes):
        return torch.autograd.grad(sum(spikes[name].square().sum() for name in SIZES), leaves)

    found, expected = gradients(network(inputs)[0]), gradients(by_hand(network, inputs, **options))
    for ours, theirs in zip(found, expected, strict=True):
        assert theirs.any()
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("neuron", [ConductanceLIF(adaptation=0.5)])
def test_inhibition_drives_the_inhibitory_input(neuron):
    network = SpikingNetwork(
        {"a": SpikingLayer(Square(12, 5.0), neuron)},
        {"all": Connection("a", "a", UniformInhibition(17.0), input="inhibition")},
    )
    current = drive().abs() / 4
    found, _ = network(current)
    state, spikes, expected = neuron.rest(3, 12, current), torch.zeros(3, 12), []
    for step in current:
        others = 17.0 * (spikes.sum(1, keepdim=True) - spikes)
        spikes, state = neuron.advance(step, state, inhibition=others)
        expected.append(spikes)
    assert found["a"].any()
    assert torch.equal(found["a"], torch.stack(expected))
    assert not torch.equal(found["a"], network.run({"a": current}, silent=["all"])[0]["a"])


def test_any_connection_may_inhibit():
    cells = ConductanceLIF()
    layers = {"a": SpikingLayer(Square(12, 5.0), LIF(5.0)), "b": SpikingLayer(Square(10, 5.0), cells)}
    network = SpikingNetwork(layers, {"a_b": Connection("a", "b", Dense, input="inhibition")}, seed=0)
    excitation = drive(nodes=10).abs() / 4
    found, _ = network({"a": drive(), "b": excitation})
    inhibition = network.connection("a_b").projection(found["a"])
    assert torch.equal(found["b"], cells(excitation, inhibition=inhibition)[0])
    assert not torch.equal(found["b"], cells(excitation)[0])


def test_neurons_that_differ_are_drawn_in_the_network():
    network = SpikingNetwork(
        {"a": SpikingLayer(Square(12, 5.0), Izhikevich("heterogeneous"))}, seed=0, dt=0.5
    )
    assert network.layer("a").dt == 0.5
    assert network.layer("a").neuron.c.shape == (12,)


def test_whole_sequences_and_loops_beside_each_other():
    """Pooling of first spikes leads into a recurrent layer: the one at once, the other step by step."""
    layers = {
        "maps": SpikingLayer(Maps(2, 4, 4), LIF(5.0)),
        "pool": SpikingLayer(Maps(2, 2, 2), LIF(5.0), projection=partial(Pool2d, kernel_size=2, gain=9.0)),
    }
    network = SpikingNetwork(layers, {"again": Connection("pool", "pool", partial(Dense, gain=3.0))}, seed=0)
    found, _ = network(drive(nodes=32))
    current = network.connection("pool").projection(found["maps"])
    again = 3.0 * network.connection("again").projection.weight
    assert found["pool"].any()
    assert torch.equal(found["pool"], plain_loop(LIF(5.0), current, again))


def test_a_network_needs_no_connection():
    network = SpikingNetwork({"only": SpikingLayer(Square(12, 5.0), LIF(5.0))})
    assert network.projections == {}
    assert network.inputs == network.names == ["only"]
    assert torch.equal(network(drive())[0]["only"], LIF(5.0)(drive())[0])


def test_short_forms_are_connections():
    def fresh(*, short):
        layers = layers_of()
        connections = {name: Connection(below, name, Dense) for below, name in (("a", "b"), ("b", "c"))}
        if short:
            for name in connections:
                layers[name] = SpikingLayer(Square(SIZES[name], 5.0), LIF(5.0), projection=Dense)
        return SpikingNetwork(layers, None if short else connections, seed=3)

    one, other = fresh(short=True), fresh(short=False)
    assert list(one.connections) == list(other.connections) == ["b", "c"]
    assert [one.key(name) for name in one.connections] == ["layers.b.projection", "layers.c.projection"]
    assert other.key("b") == "connections.b"
    assert one.state_dict().keys() == other.state_dict().keys()
    assert "connections.c.projection.weight" in one.state_dict()
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())
