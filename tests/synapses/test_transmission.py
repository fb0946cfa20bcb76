"""Delays and synapse kinetics, alone, on a projection, in a network and while a rule learns."""

import math
from functools import partial

import pytest
import torch
from helpers.tensors import spikes_of

from lightning_snn.development.development import Development
from lightning_snn.geometry import Maps, Square
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, Relay
from lightning_snn.plasticity import STDP, Streams
from lightning_snn.stimuli import Stimulus
from lightning_snn.synapses import Columns, Conv2d, Dense, ExponentialCurrent, ListedFields, Pool2d

PROJECTIONS = {
    "dense": partial(Dense, 32, 6),
    "columns": partial(Columns, 32, 6, fields=ListedFields([[0, 1], [2, 30, 31]])),
    "conv": partial(Conv2d, 32, 18, in_shape=(2, 4, 4), kernel_size=2),
    "pool": partial(Pool2d, 32, 8, in_shape=(2, 4, 4), kernel_size=2, mode="sum"),
}
every_projection = pytest.mark.parametrize("kind", PROJECTIONS)
TAU = 4.0


def by_loop(projection, spikes, *, steps, decay):
    """Step by step: what was sent ``steps`` before arrives, and adds to a current that decays."""
    seen = (1 - decay) / -math.log(decay) if decay else 1.0
    current, found = torch.zeros(spikes.shape[1], projection.num_post), []
    for t in range(len(spikes)):
        arrives = spikes[t - steps] if t >= steps else torch.zeros_like(spikes[0])
        current = decay * current + projection(arrives)
        found.append(seen * current)
    return torch.stack(found)


@every_projection
@pytest.mark.parametrize(
    ("delay", "tau", "dt"), [(0.0, None, 1.0), (3.0, None, 1.0), (0.0, TAU, 1.0), (1.5, TAU, 0.5)]
)
def test_transmission_equals_a_loop_over_steps(kind, delay, tau, dt):
    kinetics = None if tau is None else ExponentialCurrent(tau)
    projection = PROJECTIONS[kind](delay=delay, kinetics=kinetics)
    spikes = spikes_of(12, 3, 32)
    decay = 0.0 if tau is None else math.exp(-dt / tau)
    expected = by_loop(projection, spikes, steps=round(delay / dt), decay=decay)
    current, state = projection.transmit(spikes, dt=dt)
    torch.testing.assert_close(current, expected, rtol=1e-5, atol=1e-5)
    assert current.any()
    for split in (1, 2, 7):  # shorter and longer than the delay
        first, middle = projection.transmit(spikes[:split], dt=dt)
        second, end = projection.transmit(spikes[split:], middle, dt=dt)
        torch.testing.assert_close(torch.cat([first, second]), current)
        assert end.keys() == state.keys()
        for name in state:
            torch.testing.assert_close(end[name], state[name])


@every_projection
def test_with_neither_nothing_changes(kind):
    projection, spikes = PROJECTIONS[kind](), spikes_of(12, 3, 32)
    current, state = projection.transmit(spikes, dt=1.0)
    assert torch.equal(current, projection(spikes))
    assert state == {} == projection.rest(3, spikes, dt=1.0)


def test_the_state_is_passed_and_not_modified():
    projection, spikes = Dense(32, 6, delay=2.0, kinetics=ExponentialCurrent()), spikes_of(12, 3, 32)
    start = projection.rest(3, spikes, dt=1.0)
    assert {name: list(value.shape) for name, value in start.items()} == {
        "on_the_way": [3, 2, 32],
        "current": [3, 6],
    }
    projection.transmit(spikes, start, dt=1.0)
    assert not any(value.any() for value in start.values())
    assert not set(projection.state_dict()) & set(start)


def test_gradients_pass_delay_and_kinetics():
    projection = Dense(32, 6, trainable=True, delay=2.0, kinetics=ExponentialCurrent(TAU))
    spikes = spikes_of(8, 3, 32).requires_grad_()
    projection.transmit(spikes, dt=1.0)[0].square().sum().backward()
    leaf = spikes.detach().clone().requires_grad_()
    weight = projection.weight.grad.clone()
    projection.weight.grad = None
    by_loop(projection, leaf, steps=2, decay=math.exp(-1 / TAU)).square().sum().backward()
    torch.testing.assert_close(spikes.grad, leaf.grad)
    torch.testing.assert_close(projection.weight.grad, weight)
    assert not spikes.grad[-2:].any()


def network_of(**options):
    wiring = partial(Dense, gain=12.0, **options)
    return SpikingNetwork(
        {
            "below": SpikingLayer(Square(32, 5.0), LIF(5.0)),
            "middle": SpikingLayer(Square(12, 5.0), LIF(10.0), projection=wiring),
            "above": SpikingLayer(Square(6, 5.0), LIF(10.0), projection=wiring),
        },
        seed=0,
    )


@pytest.mark.parametrize("options", [{"delay": 3.0}, {"kinetics": ExponentialCurrent(TAU)}])
def test_a_run_of_a_network_in_two_parts_equals_one_long_run(options):
    network = network_of(**options)
    current = 3 + 8 * torch.randn(40, 3, 32, generator=torch.Generator().manual_seed(0))
    whole, end = network(current)
    first, middle = network(current[:17])
    second, last = network(current[17:], middle)
    plain, _ = network_of()(current)
    for name in network.names:
        assert whole[name].any()
        assert torch.equal(torch.cat([first[name], second[name]]), whole[name])
    for name, state in end.connections.items():
        for key, value in state.items():
            assert torch.equal(last.connections[name][key], value)
    assert set(end.connections) == {"middle", "above"}
    assert set(end.connections["above"]) == {"on_the_way" if "delay" in options else "current"}
    assert not torch.equal(plain["above"], whole["above"])
    if "delay" in options:
        assert torch.equal(whole["middle"][3:], plain["middle"][:-3])
        assert torch.equal(whole["above"][6:], plain["above"][:-6])


def test_a_network_refuses_a_delay_of_broken_steps():
    with pytest.raises(
        ValueError,
        match=r"layers.middle.projection.delay must be a whole number of steps of dt = 1.0 ms, got 1.5",
    ):
        network_of(delay=1.5)
    with pytest.raises(ValueError, match=r"delay must be a finite number, 0 or above, got -1.0"):
        Dense(3, 4, delay=-1.0)
    with pytest.raises(ValueError, match="tau must be a finite number above 0, got 0"):
        ExponentialCurrent(0)


class Recorded(Stimulus):
    """Given spikes, round by round, as a relay passes them on."""

    def __init__(self, spikes):
        self.spikes = spikes

    def currents(self, network, connection, *, steps, streams, round_number):
        del network, connection
        start = round_number * steps
        return {"below": self.spikes[start : start + steps, list(streams)]}


class Seen(STDP):
    """STDP that remembers what it saw."""

    def __init__(self, needs_post, *, dt=None):
        super().__init__(threshold=1.0, dt=dt)
        self.needs_post, self.activities = needs_post, []

    def learn(self, activity, wiring, stream):
        self.activities.append(activity)
        return super().learn(activity, wiring, stream)


def develop(spikes, rule, delay):
    wiring = partial(Dense, rule=rule, gain=20.0, delay=delay, kinetics=ExponentialCurrent(TAU))
    layers = {
        "below": SpikingLayer(Maps(2, 4, 4), Relay()),
        "above": SpikingLayer(Square(6, 5.0), LIF(10.0), projection=wiring),
    }
    return Development(SpikingNetwork(layers), "above", Recorded(spikes), Streams(2))


@pytest.mark.parametrize("needs_post", [False, True])
def test_a_rule_sees_spikes_when_they_arrive(needs_post):
    spikes = spikes_of(30, 2, 32)
    development = develop(spikes, Seen(needs_post), 4.0)
    rule = development.rule
    assert torch.equal(development.round(10, 0).pre, spikes[:10])
    saved, weights = development.state(), development.network.state_dict()
    weights = {name: value.clone() for name, value in weights.items()}
    for number in (1, 2):
        development.round(10, number)
    seen = torch.cat([activity.pre for activity in rule.activities])
    assert torch.equal(seen[4:], spikes[:-4])
    assert not seen[:4].any()
    if needs_post:
        post = torch.cat([activity.post for activity in rule.activities])
        assert post.any()
        assert not post[:4].any()

    second = develop(spikes, Seen(needs_post), 4.0)
    second.network.load_state_dict(weights)
    second.restore(saved)
    for number in (1, 2):
        second.round(10, number)
    assert torch.equal(second.projection.weight, development.projection.weight)
    assert not torch.equal(second.projection.weight, weights["connections.above.projection.weight"])


def test_a_stimulus_that_starts_from_rest_forgets_what_is_on_its_way():
    spikes = torch.ones(20, 2, 32)
    development = develop(spikes, Seen(False), 4.0)
    rule = development.rule
    development.stimulus.continues = False
    development.round(10, 0)
    development.round(10, 1)
    assert [activity.pre.sum(0)[0, 0].item() for activity in rule.activities] == [6, 6]


@pytest.mark.parametrize("delay", [0.3 - 0.1 * 3, 1e-9, 0.0])
def test_a_delay_that_rounds_to_no_step_is_none(delay):
    plain, late = Dense(4, 3), Dense(4, 3, delay=delay)
    spikes = (torch.rand(6, 2, 4, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    late.load_state_dict(plain.state_dict())
    assert late.rest(2, spikes, dt=1.0) == {}
    assert torch.equal(late.transmit(spikes, dt=1.0)[0], plain.transmit(spikes, dt=1.0)[0])
    assert late.arrive(spikes, late.silent_axons(2, spikes, steps=0)) == (spikes, {})
