"""Rules that learn from the spikes of the layer's own neurons, and homeostasis beside any rule."""

import functools
import math

import pytest
import torch
from helpers.processes import on_processes
from helpers.stimuli import Constant, RewardedWaves, WavesRewardedInSteps

from lightning_snn.development.development import Development
from lightning_snn.geometry import Square, Torus
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, Izhikevich
from lightning_snn.plasticity import (
    STDP,
    AdaptiveThreshold,
    CompetitiveHebbian,
    PairSTDP,
    RewardSTDP,
    Streams,
    SynapticScaling,
    TargetRate,
    TripletSTDP,
)
from lightning_snn.stimuli import SpontaneousWaves
from lightning_snn.synapses import Dense, LateralKernel

OWN_SPIKES = {
    "pair": PairSTDP(bounds="soft", delay=3.0),
    "triplet": TripletSTDP(),
    "reward": RewardSTDP(),
    "lasting reward": RewardSTDP(tau_reward=20.0),
}
RULES = {"stdp": STDP(threshold=1.0), "competitive": CompetitiveHebbian(threshold=5.0), **OWN_SPIKES}


def develop(rule, streams, *homeostasis):
    projection = functools.partial(Dense, rule=rule, homeostasis=homeostasis, gain=1.0)
    network = SpikingNetwork(
        {
            "retina": SpikingLayer(
                Torus(160, side=12.0),
                Izhikevich("heterogeneous"),
                lateral=LateralKernel(inhibition_range=3.0),
            ),
            "lgn": SpikingLayer(Square(8, side=10.0), LIF(10.0), projection=projection),
        },
        seed=0,
    )
    stimulus = RewardedWaves if getattr(rule, "tau_reward", None) is None else WavesRewardedInSteps
    return Development(network, "lgn", stimulus(seed=0), streams)


def run(development, rounds=3):
    share = [development.round(100, number).share for number in range(rounds)]
    return development.projection.wiring, share


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_homeostasis_stands_beside_any_rule(rule):
    wiring, share = run(develop(rule, Streams(2), AdaptiveThreshold(0.1), SynapticScaling(10.0)))
    assert sum(share) > 0
    assert wiring["threshold_rise"].max() > 0
    assert (wiring["average_rate"] != 10).any()


def rates(regulator):
    """Mean rates in Hz of the units in the last of many rounds that go on where the one before ended."""
    development = develop(PairSTDP(1e-6, 1e-6), Streams(8), *regulator)
    shares = [development.round(100, number).share for number in range(60)]
    return 1000 * sum(shares[-20:]) / 20


def test_thresholds_act_on_streams_that_go_on():
    """Waves never start from rest: what homeostasis sets must reach the neurons that are running."""
    free = rates([])
    assert free > 40
    assert rates([TargetRate(20.0, 0.02)]) == pytest.approx(20, rel=0.15)
    assert rates([AdaptiveThreshold(0.05)]) < 0.5 * free


def test_a_rule_of_rewards_needs_a_stimulus_that_gives_some():
    network = develop(RewardSTDP(), Streams(1)).network
    with pytest.raises(
        ValueError, match=r"layers.lgn.projection.rule learns from rewards, .*Waves gives none"
    ):
        Development(network, "lgn", SpontaneousWaves(), Streams(1))


@pytest.mark.parametrize(
    ("neuron", "message"),
    [
        (LIF(adaptation=0.1), r"layers.lgn.neuron.tau_adaptation must be at least 100000 ms .* got 100"),
        (Izhikevich(), "layers.lgn.neuron: Izhikevich has no threshold that could rise"),
    ],
)
def test_thresholds_need_neurons_that_keep_them(neuron, message):
    projection = functools.partial(Dense, rule=PairSTDP(), homeostasis=[TargetRate(5.0)])
    below = SpikingLayer(Square(8, side=10.0), LIF())
    layer = SpikingLayer(Square(8, side=10.0), neuron, projection=projection)
    with pytest.raises(ValueError, match=message):
        SpikingNetwork({"below": below, "lgn": layer})


@pytest.mark.parametrize("rule", OWN_SPIKES.values(), ids=OWN_SPIKES)
def test_weights_are_the_same_on_any_number_of_processes(rule):
    before = develop(rule, Streams(4)).projection.weight.clone()
    whole, share = run(develop(rule, Streams(4)))
    assert share[-1] > 0
    assert not torch.equal(whole["weight"], before)
    for part, _ in on_processes([1, 3], lambda streams: run(develop(rule, streams))):
        assert torch.equal(part["weight"], whole["weight"])


@pytest.mark.parametrize("rule", OWN_SPIKES.values(), ids=OWN_SPIKES)
def test_a_run_resumes_where_it_was(rule):
    whole, _ = run(develop(rule, Streams(2)))
    first, second = develop(rule, Streams(2)), develop(rule, Streams(2))
    run(first, 2)
    second.projection.rewire(first.projection.wiring)
    second.restore(first.state())
    second.round(100, 2)
    assert torch.equal(second.projection.weight, whole["weight"])


def test_scaling_does_not_depend_on_the_number_of_streams():
    """A constant rate r: dw/dt = gain w (1 - a / rate), a from the target towards r; solved by hand."""
    rate, tau, gain, time = 20.0, 10_000.0, 0.1, 1500.0
    found = []
    for num_streams in (1, 2, 8):
        wiring = functools.partial(
            Dense,
            rule=PairSTDP(0.0, 0.0, initial_range=(0.1, 0.5)),
            gain=1e-3,
            homeostasis=[SynapticScaling(rate, tau, gain)],
        )
        network = SpikingNetwork(
            {
                "a": SpikingLayer(Square(9, 3.0), LIF()),
                "b": SpikingLayer(Square(4, 3.0), LIF(), projection=wiring),
            }
        )
        development = Development(network, "b", Constant(), Streams(num_streams))
        before = development.projection.weight.clone()
        for number in range(6):
            development.round(250, number)
        found.append(development.projection.weight / before)
    growth = gain / 1000 * (time - tau * (1 - math.exp(-time / tau)))  # silent units: r = 0
    for factor in found:
        torch.testing.assert_close(factor, torch.full_like(factor, math.exp(growth)))
