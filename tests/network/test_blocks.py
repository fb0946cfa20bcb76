"""Loops that run in blocks of steps, as long as their shortest delay, held to loops over single steps."""

import math
from functools import partial

import pytest
import torch
from helpers.networks import SIZES, by_hand, drive, layers_of

from lightning_snn.core.tensors import leaves
from lightning_snn.geometry import Square
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, Izhikevich
from lightning_snn.synapses import Dense, ExponentialCurrent, LateralKernel, UniformInhibition

LOOPS = {
    "one layer": {"a_a": 4.0},
    "two on one layer": {"a_a": 3.0, "a_a2": 5.0},
    "two layers": {"a_b": None, "b_a": 4.0},
    "a delay each way": {"a_b": 2.0, "b_a": 3.0},
    "three, of several delays": {"a_b": 1.0, "b_a": 4.0, "b_b": 7.0, "c_c": 2.0, "b_c": 3.0, "c_a": None},
}
TAU = 4.0
every_loop = pytest.mark.parametrize("loop", LOOPS)


def looped(loop, *, dt=0.5, neuron=None, **options):
    connections = {
        name: Connection(name[0], name[2], partial(Dense, gain=6.0, delay=delay, **options))
        for name, delay in LOOPS[loop].items()
    }
    layers = {n: x for n, x in layers_of(neuron).items() if any(n in name for name in connections)}
    return SpikingNetwork(layers, connections, dt=dt, seed=0)


def inputs_of(network, **options):
    return {name: drive(nodes=SIZES[name], seed=seed, **options) for seed, name in enumerate(network.names)}


def unequal(found, expected):
    return [name for name in expected if not torch.equal(found[name], expected[name])]


@every_loop
@pytest.mark.parametrize("dt", [1.0, 0.5, 0.25])
@pytest.mark.parametrize("tau", [None, TAU])
def test_blocks_equal_a_loop_over_steps(loop, dt, tau):
    network = looped(loop, dt=dt, **({} if tau is None else {"kinetics": ExponentialCurrent(tau)}))
    inputs = inputs_of(network, steps=45)
    found, state = network(inputs)
    expected = by_hand(network, inputs, **({} if tau is None else {"decay": math.exp(-dt / tau)}))
    assert all(spikes.any() for spikes in expected.values())
    assert not unequal(found, expected)
    assert all(torch.equal(state.layers[name].spikes, x[-1]) for name, x in expected.items())


@every_loop
@pytest.mark.parametrize("split", [1, 3, 8, 20])
def test_a_run_goes_on_from_a_state_of_another_length(loop, split):
    network = looped(loop, kinetics=ExponentialCurrent(TAU))
    inputs = inputs_of(network)
    whole, end = network(inputs)
    first, middle = network({name: x[:split] for name, x in inputs.items()})
    second, last = network({name: x[split:] for name, x in inputs.items()}, middle)
    assert not unequal({name: torch.cat([first[name], second[name]]) for name in whole}, whole)
    for one, other in zip(leaves(last), leaves(end), strict=True):
        torch.testing.assert_close(one, other)


@every_loop
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_gradients_equal_those_of_a_loop_over_steps(loop, dtype):
    network = looped(loop, trainable=True, kinetics=ExponentialCurrent(TAU)).to(dtype)
    inputs = {name: x.requires_grad_() for name, x in inputs_of(network, dtype=dtype).items()}
    weights = [*inputs.values(), *network.parameters()]

    def gradients(spikes):
        return torch.autograd.grad(sum(x.square().sum() for x in spikes.values()), weights)

    found, expected = network(inputs)[0], by_hand(network, inputs, decay=math.exp(-0.5 / TAU))
    assert not unequal(found, expected)
    for ours, theirs in zip(gradients(found), gradients(expected), strict=True):
        assert theirs.any()
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_a_batch_of_one_then_of_64():
    network = looped("a delay each way")
    for batch in (1, 64):
        inputs = inputs_of(network, batch=batch, steps=12)
        assert not unequal(network(inputs)[0], by_hand(network, inputs))
    _, state = network(inputs_of(network, batch=1))
    with pytest.raises(ValueError, match=r"state\.\S+ must be .*64"):
        network(inputs_of(network, batch=64), state)


def test_a_layer_runs_once_a_block(monkeypatch):
    lengths = []

    def counted(self, current, state, **others):
        lengths.append(len(current))
        return scan(self, current, state, **others)

    scan = LIF.scan
    monkeypatch.setattr(LIF, "scan", counted)
    network = looped("one layer")
    network(inputs_of(network))
    assert lengths == [8, 8, 8, 6]


@pytest.mark.parametrize("storage", ["dense", "mesh"])
@pytest.mark.parametrize("neuron", [LIF(5.0, refractory=2.0), Izhikevich("heterogeneous", seed=0)])
@pytest.mark.parametrize(("delay", "steps"), [(None, 4), (0.25, 1), (2.5, 10)])
def test_a_sheet_in_blocks_equals_a_loop_over_steps(delay, steps, neuron, storage):
    kernel = LateralKernel(excitation=0.5, inhibition_range=3.0, delay=delay, storage=storage)
    layer = SpikingLayer(Square(60, side=6.0, seed=0), neuron.again(dt=0.25), lateral=kernel)
    network, current = SpikingNetwork({"a": layer}), drive(40, 2, 60)
    coupling = network.connection("a_lateral").projection
    state, sent, silent = layer.neuron.rest(2, 60, current), [], torch.zeros(2, 60)
    for t, step in enumerate(current):
        arrived = coupling(sent[t - steps] if t >= steps else silent) / 0.25
        spikes, state = layer.neuron.advance(step + arrived, state)
        sent.append(spikes)
    found, end = network(current)
    assert found["a"].any()
    assert torch.equal(found["a"], torch.stack(sent))
    torch.testing.assert_close(end.layers["a"].neurons.v, state.v)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delay": 0.0}, r"layers.a.lateral.delay must be at least one step of dt = 0.5 ms, .* got 0.0 ms"),
        ({"delay": 0.7}, r"layers.a.lateral.delay must be a whole number of steps of dt = 0.5 ms, got 0.7"),
        ({"min_delay": 0.7}, r"^min_delay must be a whole number of steps of dt = 0.5 ms, got 0.7 ms"),
        ({"min_delay": -1.0}, r"^min_delay must be a finite number, 0 or above, got -1.0"),
        (
            {"delay": 0.5, "min_delay": 1.0},
            r"at least min_delay = 1.0 ms, or left out, got 0.5 ms",
        ),
    ],
)
def test_errors(options, message):
    lateral = UniformInhibition(1.0, delay=options.get("delay"))
    with pytest.raises(ValueError, match=message):
        SpikingNetwork(
            {"a": SpikingLayer(Square(9, 3.0), LIF(), lateral=lateral)},
            dt=0.5,
            min_delay=options.get("min_delay", 0.0),
        )
