"""Running a part of a network: known spikes, other projections, silent connections, some of the layers."""

from functools import partial

import pytest
import torch
from helpers.networks import SIZES, drive, network_of

from lightning_snn.geometry import Square
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF
from lightning_snn.synapses import Dense

BOTTOM_UP = ["a_b", "b_c", "a_c"]


def test_known_spikes_stand_for_a_layer():
    network = network_of(BOTTOM_UP)
    whole, end = network(drive())
    found, state = network.run({}, known={"a": whole["a"]})
    assert list(found) == list(state.layers) == ["b", "c"]
    assert torch.equal(found["c"], whole["c"])
    assert torch.equal(state.layers["b"].neurons.v, end.layers["b"].neurons.v)
    known = {"a": whole["a"], "b": torch.zeros_like(whole["b"])}
    assert torch.equal(
        network.run({}, known=known)[0]["c"], network.run({"a": drive()}, silent=["b_c"])[0]["c"]
    )


def test_only_the_layers_that_are_asked_for_run():
    network = network_of(BOTTOM_UP)
    whole, _ = network(drive())
    found, state = network.run({"a": drive()}, layers=["a", "b"])
    assert list(found) == ["a", "b"]
    assert set(state.connections) == {"a_b"}
    assert torch.equal(found["b"], whole["b"])
    alone, _ = network.run({"a": drive()}, layers=["a", "c"])
    assert torch.equal(alone["c"], network.run({"a": drive()}, silent=["b_c"])[0]["c"])
    assert network.needed_for(["b"]) == ["a", "b"]
    assert network.needed_for(["c"]) == ["a", "b", "c"]


@pytest.mark.parametrize("edges", [BOTTOM_UP, ["a_b", "b_c", "c_b"], ["a_b", "b_b", "b_c"]])
def test_other_projections(edges):
    network, current = network_of(edges), drive()
    own, _ = network(current)
    other = Dense(12, 10, gain=6.0, seed=99)
    found, _ = network.run({"a": current}, projections={"a_b": other})
    assert torch.equal(found["a"], own["a"])
    assert not torch.equal(found["b"], own["b"])
    assert torch.equal(network(current)[0]["b"], own["b"])
    with torch.no_grad():
        network.connection("a_b").projection.weight.copy_(other.weight * 6 / 8)
    torch.testing.assert_close(network(current)[0]["b"], found["b"])


def test_a_silent_connection_carries_nothing_and_its_state_stays_out():
    network = network_of(["a_b", "b_b", "b_c"], synapses={"delay": 2.0})
    found, state = network.run({"a": drive()}, silent=["b_b"])
    assert set(state.connections) == {"a_b", "b_c"}
    expected, _ = network_of(["a_b", "b_c"], synapses={"delay": 2.0})(drive())
    assert torch.equal(found["c"], expected["c"])
    assert not torch.equal(network(drive())[0]["b"], found["b"])


def test_a_state_that_lacks_a_layer_starts_it_from_rest():
    network = network_of(BOTTOM_UP)
    _, state = network.run({"a": drive()}, layers=["a"])
    on, _ = network.run({"a": drive(seed=1)}, state)
    known, _ = network.run({}, known={"a": on["a"]})
    assert torch.equal(on["c"], known["c"])
    assert not torch.equal(on["a"], network(drive(seed=1))[0]["a"])


def test_feedback_of_development_makes_a_loop_only_then():
    projection = partial(Dense, gain=8.0)
    layers = {n: SpikingLayer(Square(size, 5.0), LIF(5.0)) for n, size in SIZES.items()}
    up = {"a_b": Connection("a", "b", projection), "b_c": Connection("b", "c", projection)}
    down = {"c_b": Connection("c", "b", projection, active="development")}
    network, chain = SpikingNetwork(layers, up | down, seed=0), network_of(["a_b", "b_c"])
    loop = network_of(["a_b", "b_c", "c_b"])
    assert torch.equal(network(drive())[0]["c"], chain(drive())[0]["c"])
    developing, _ = network.run({"a": drive()}, developing=True)
    assert torch.equal(developing["c"], loop(drive())[0]["c"])
    assert not torch.equal(developing["c"], chain(drive())[0]["c"])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (lambda: {"d": drive()}, r"inputs must be for layers of \['a', 'b', 'c'\], got \['d'\]"),
        (lambda: {}, r"inputs must drive at least one layer of \['a', 'b', 'c'\], got none"),
        (lambda: {"a": drive(nodes=11)}, r"inputs.a must be \[T, B, 12\], got \[30, 3, 11\]"),
        (
            lambda: {"a": drive(), "b": drive(steps=7, nodes=10)},
            r"inputs must have one T and B, got \[30, 3\] \(inputs.a\) and \[7, 3\] \(inputs.b\)",
        ),
        (lambda: drive()[:, 0], r"inputs.a must be \[T, B, 12\], got \[30, 12\]"),
        (lambda: drive().long(), r"must be floating point"),
        (lambda: drive(steps=0), r"no empty dimension"),
    ],
)
def test_inputs_that_do_not_fit(inputs, message):
    with pytest.raises(ValueError, match=message):
        network_of(["a_b", "b_c"])(inputs())
