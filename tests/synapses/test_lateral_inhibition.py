from functools import partial

import pytest
import torch
from helpers.processes import on_processes
from helpers.stimuli import Noise

from lightning_snn.development.development import Development
from lightning_snn.geometry import Maps
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, IntegrateFire
from lightning_snn.plasticity import AntiHebbian, CompetitiveHebbian, LearningRule, PairSTDP, Streams
from lightning_snn.synapses import Dense, LateralInhibition

STEPS = 200


class Pairs(LearningRule):
    """Four units; the first two hear the first half of the inputs, the others the second. Never changes."""

    connected_above = 0.1
    needs_post = True

    def initial(self, num_pre, num_post, generator):
        weight = 0.5 + torch.rand(num_post, num_pre, generator=generator)
        weight[:2, num_pre // 2 :] = 0
        weight[2:, : num_pre // 2] = 0
        return {"weight": weight}

    def open(self, wiring, num_rows):
        del wiring, num_rows
        return {}

    def learn(self, activity, wiring, stream):
        del wiring, stream
        return {"spikes": activity.require_post().sum(0)}, {}

    def merge(self, wiring, proposal, streams, steps):
        del proposal, streams, steps
        return wiring


def develop(streams=None, *, rule=None, neuron=None, lateral=None, **options):
    if lateral is None:
        lateral = LateralInhibition(AntiHebbian(0.05, activity=0.1, bin_time=5.0))
    layers = {
        "below": SpikingLayer(Maps(1, 5, 4), LIF()),
        "above": SpikingLayer(
            Maps(4, 1, 1),
            neuron or LIF(20.0, adaptation=0.0),
            lateral=lateral,
            projection=partial(Dense, rule=rule or Pairs(), gain=30.0),
        ),
    }
    return Development(SpikingNetwork(layers, seed=0), "above", Noise(0.05), streams or Streams(8), **options)


def weight_of(development):
    return development.network.connection("above_lateral").projection.weight


def spikes_below(network, steps, streams, number):
    """Spikes of the lower layer that noise causes."""
    noise = Noise(0.05).currents(network, "above", steps=steps, streams=range(streams), round_number=number)
    return network.run(noise, layers=["below"])[0]["below"]


def correlations(development):
    """Of the four units, from bins in which they spiked or not."""
    network, steps = development.network, development.beside["above_lateral"].rule.bin_steps
    pre = spikes_below(network, 1000, 20, 999)
    spikes = network.run({}, known={"below": pre}, developing=True)[0]["above"]
    active = torch.stack([part.amax(0) for part in spikes.split(steps)]).flatten(0, 1)
    return torch.corrcoef(active.t()), active.mean(0)


def test_units_that_hear_the_same_come_to_inhibit_each_other():
    rule = AntiHebbian(0.5, activity=0.1, bin_time=5.0, w_max=200.0)
    development = develop(lateral=LateralInhibition(rule))
    before, _ = correlations(development)
    for number in range(100):
        development.round(STEPS, number)
    after, active = correlations(development)
    for i, j in ((0, 1), (2, 3)):
        assert before[i, j] > 0.3
        assert abs(after[i, j]) < 0.15
        assert weight_of(development)[i, j] > 5 * weight_of(development)[:2, 2:].max()
    assert active.min() > 0.05


@pytest.mark.parametrize("neuron", [LIF(5.0), IntegrateFire()])
def test_a_round_runs_with_the_weights_of_before_and_then_learns(neuron):
    development = develop(neuron=neuron)
    layer, rule = development.network.layer("above"), development.beside["above_lateral"].rule
    expected, spikes, state = torch.zeros(4, 4), torch.zeros(8, 4), layer.rest(8, torch.zeros(1)).neurons
    for number in range(2):
        pre = spikes_below(development.network, 50, 8, number)
        current, _ = development.projection.transmit(pre, dt=1.0)
        found = []
        for step in current:
            spikes, state = layer.neuron.advance(step - spikes @ expected.t(), state)
            found.append(spikes)
        for i, j in [(i, j) for i in range(4) for j in range(4) if i != j]:
            bins = [part.amax(0) for part in torch.stack(found).split(5)]
            both = sum((part[:, i] * part[:, j]).sum() for part in bins) / 8
            expected[i, j] += rule.learning_rate * (both - len(bins) * rule.activity**2)
        expected.clamp_(0, rule.w_max)
        development.round(50, number)
        torch.testing.assert_close(weight_of(development), expected)
    assert expected.max() > 0


@pytest.mark.parametrize("sizes", [[4, 4], [1, 7]])
def test_it_learns_the_same_on_any_number_of_processes(sizes):
    def run(streams):
        development = develop(streams)
        for number in range(3):
            development.round(50, number)
        return weight_of(development)

    whole = run(Streams(8))
    assert whole.max() > 0
    assert all(torch.equal(part, whole) for part in on_processes(sizes, run))


def test_it_learns_beside_a_rule_that_decides_itself_who_spikes():
    development = develop(rule=CompetitiveHebbian(threshold=1.0))
    before = development.projection.weight.detach().clone()
    for number in range(3):
        development.round(STEPS, number)
    assert weight_of(development).max() > 0
    assert not torch.equal(development.projection.weight, before)


def test_a_control_and_a_trial_leave_it_as_it_was():
    fixed = develop(plastic=False)
    fixed.round(STEPS, 0)
    assert not weight_of(fixed).any()
    trial = develop()
    trial.round(STEPS, 0)
    assert weight_of(trial).any()
    trial.undo()
    assert not weight_of(trial).any()


def test_its_weights_are_saved_and_act_after_loading():
    development = develop()
    for number in range(5):
        development.round(STEPS, number)
    state = development.network.state_dict()
    assert torch.equal(state["connections.above_lateral.projection.weight"], weight_of(development))
    other = develop().network
    known = {"below": spikes_below(other, 100, 4, 7)}
    before = other.run({}, known=known)[0]["above"]
    other.load_state_dict(state)
    after = other.run({}, known=known)[0]["above"]
    assert torch.equal(after, development.network.run({}, known=known)[0]["above"])
    assert after.sum() < before.sum()


def test_a_spike_delivers_minus_the_weight():
    coupling = LateralInhibition(AntiHebbian(dt=0.5)).couple(Maps(3, 1, 1))
    coupling.weight.data.copy_(torch.arange(9.0).reshape(3, 3))
    spikes = torch.eye(3)
    torch.testing.assert_close(coupling(spikes), -coupling.weight.t())
    torch.testing.assert_close(coupling.transmit(spikes[None], dt=0.5)[0][0], -2 * coupling.weight.t())
    assert torch.equal(coupling.rows, coupling(spikes))


def test_errors():
    learned = LateralInhibition()
    with pytest.raises(
        ValueError, match=r"layers.only.lateral is learned while .* no connection with a rule"
    ):
        SpikingNetwork({"only": SpikingLayer(Maps(4, 1, 1), LIF(), lateral=learned)})
    bottom = SpikingLayer(Maps(4, 1, 1), LIF())
    top = SpikingLayer(Maps(4, 1, 1), LIF(), lateral=learned, projection=Dense)
    with pytest.raises(ValueError, match=r"layers.top.lateral is learned while .* leads to layers.top"):
        SpikingNetwork({"bottom": bottom, "top": top})
    with pytest.raises(ValueError, match=r"layers.above.lateral.rule.dt = 0.5, but the network's dt is 1.0"):
        develop(lateral=LateralInhibition(AntiHebbian(dt=0.5)))


def test_its_rule_must_be_one_for_lateral_connections():
    with pytest.raises(
        ValueError, match=r"lateral\.rule must be a rule for .* such as AntiHebbian, got PairSTDP"
    ):
        LateralInhibition(PairSTDP())
