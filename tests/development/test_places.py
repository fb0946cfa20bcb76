"""Rules and homeostasis that take all places at once, held to a call for each of them."""

import functools

import pytest
import torch
from helpers.processes import on_processes
from helpers.stimuli import RewardedWaves, WavesRewardedInSteps
from helpers.tensors import assert_same

from lightning_snn.core.tensors import leaves
from lightning_snn.development.development import Development
from lightning_snn.development.learning import nodes_of
from lightning_snn.geometry import Square, Torus
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, Izhikevich
from lightning_snn.plasticity import (
    STDP,
    AdaptiveThreshold,
    CompetitiveHebbian,
    CompetitiveSTDP,
    FirstSpikeSTDP,
    Homeostasis,
    LearningRule,
    PairSTDP,
    PostsynapticSTDP,
    RewardSTDP,
    Streams,
    SynapticScaling,
    TargetRate,
    TripletSTDP,
    WeightNormalisation,
)
from lightning_snn.synapses import Columns, Dense, LateralKernel, Local
from lightning_snn.synapses.fields import ListedFields

RULES = {
    "stdp": functools.partial(STDP, threshold=1.0),
    "competitive": functools.partial(CompetitiveHebbian, threshold=5.0, review_interval=600, review_wins=20),
    "two winners": functools.partial(CompetitiveHebbian, threshold=5.0, winners=2),
    "pair": functools.partial(PairSTDP, bounds="soft", delay=3.0, trace_offset=0.02),
    "nearest": functools.partial(PairSTDP, pairing="nearest", reduction="sum"),
    "triplet": TripletSTDP,
    "reward": RewardSTDP,
    "lasting reward": functools.partial(RewardSTDP, tau_reward=20.0),
    "postsynaptic": functools.partial(PostsynapticSTDP, horizon=1e4),
    "competitive stdp": functools.partial(
        CompetitiveSTDP, threshold=1.0, final_learning_rate=0.01, horizon=1e3
    ),
    "first spike": functools.partial(FirstSpikeSTDP, threshold=4.0),
}
FIELDS = [[*range(60)], [*range(30, 70)], [3, 90, 159], [*range(100, 155)]]
KINDS = {
    "columns": functools.partial(Columns, fields=ListedFields(FIELDS)),
    "local": functools.partial(Local, radius=3.0),
}


def develop(kind, rule, streams, *homeostasis, at_once=True):
    projection = functools.partial(kind, rule=rule, homeostasis=homeostasis, gain=20.0)
    lateral = LateralKernel(inhibition_range=3.0)
    layers = {
        "retina": SpikingLayer(Torus(160, side=12.0), Izhikevich("heterogeneous"), lateral=lateral),
        "lgn": SpikingLayer(Square(20, side=10.0), LIF(10.0), projection=projection),
    }
    network = SpikingNetwork(layers, seed=0)
    if not at_once:
        learned = network.weighted["lgn"]
        for part in (learned.rule, *learned.homeostasis):
            part.takes_groups = False
    stimulus = RewardedWaves if getattr(rule, "tau_reward", None) is None else WavesRewardedInSteps
    return Development(network, "lgn", stimulus(seed=0), streams)


def run(development, rounds=range(3)):
    shares = [development.round(100, number).share for number in rounds]
    return development.projection.wiring, shares


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_all_places_at_once_equal_one_after_another(rule, kind):
    start = develop(kind, rule(), Streams(2))
    before = start.projection.wiring["weight"].clone()
    at_once, shares = run(start)
    one_by_one, expected = run(develop(kind, rule(), Streams(2), at_once=False))
    assert_same(at_once, one_by_one)
    assert shares == expected
    assert shares[-1] > 0
    assert not torch.equal(at_once["weight"], before)
    ended = ~start.projection.exists[:, None].expand_as(before)
    assert ended.any()
    assert (at_once["weight"][ended] == 0).all()


REGULATORS = {
    "adaptive": [functools.partial(AdaptiveThreshold, 0.1)],
    "target": [functools.partial(TargetRate, 20.0, 0.02, final_learning_rate=0.01, horizon=1e3)],
    "scaling": [functools.partial(SynapticScaling, 10.0), functools.partial(WeightNormalisation, 3.0)],
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("regulators", REGULATORS.values(), ids=REGULATORS)
def test_homeostasis_of_all_places_at_once_equals_one_after_another(regulators, kind):
    def developed(*, at_once):
        own = [make() for make in regulators]
        return run(develop(kind, PairSTDP(), Streams(2), *own, at_once=at_once))[0]

    at_once = developed(at_once=True)
    assert_same(at_once, developed(at_once=False))
    free = run(develop(kind, PairSTDP(), Streams(2)))[0]
    assert not torch.equal(at_once["weight"], free["weight"]) or "threshold_rise" in at_once


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_places_are_the_same_on_any_number_of_processes(rule, kind):
    def developed(streams):
        return run(develop(kind, rule(), streams, SynapticScaling(10.0)), range(2))[0]

    whole = developed(Streams(8))
    for part in on_processes([4, 4], developed):
        assert_same(part, whole)


@pytest.mark.parametrize("rule", ["stdp", "pair", "triplet", "reward"])
def test_a_run_in_places_resumes_where_it_was(rule):
    make = functools.partial(develop, KINDS["columns"], streams=Streams(2))
    whole, _ = run(make(RULES[rule]()))
    first, second = make(RULES[rule]()), make(RULES[rule]())
    run(first, range(2))
    second.projection.rewire(first.projection.wiring)
    second.restore(first.state())
    run(second, [2])
    assert_same(second.projection.wiring, whole)


class Counting(LearningRule):
    """A rule that somebody writes for K units and F inputs, and knows nothing of places."""

    connected_above = 0.0

    def initial(self, num_pre, num_post, generator):
        return {"weight": torch.rand(num_post, num_pre, generator=generator)}

    def open(self, wiring, num_rows):
        return {"seen": torch.zeros(num_rows, wiring["weight"].shape[1])}

    def learn(self, activity, wiring, stream):
        assert activity.pre.shape[1:] == stream["seen"].shape
        seen = stream["seen"] + activity.pre.sum(0)
        spikes = torch.ones(len(seen), len(wiring["weight"]))
        return {"seen": seen, "spikes": spikes}, {"seen": seen}

    def merge(self, wiring, proposal, streams, steps):
        assert wiring["weight"].ndim == 2
        return {"weight": wiring["weight"] + streams.sum(proposal["seen"].sum(0)) / steps}


class Doubling(Homeostasis):
    """Homeostasis likewise."""

    def initial(self, wiring):
        return {"seen": torch.zeros(len(wiring["weight"]))}

    def regulate(self, wiring, spikes, time, rows=1):
        del time, rows
        assert spikes.ndim == 1
        return wiring | {"seen": wiring["seen"] + spikes}


@pytest.mark.parametrize("kind", [*KINDS.values(), Dense], ids=[*KINDS, "dense"])
def test_a_rule_of_ones_own_needs_to_know_one_place_only(kind):
    development = develop(kind, Counting(), Streams(2), Doubling())
    projection = development.projection
    before = projection.wiring["weight"].clone()
    counted = development.round(100, 0).pre.sum((0, 1)) / 100
    grown = projection.fields(counted)[:, None] if projection.groups else counted
    torch.testing.assert_close(projection.wiring["weight"], before + grown)
    assert (projection.wiring["seen"] == 2).all()
    states = [leaf.shape for leaf in leaves(development._rule_state)]
    assert states == [(2, *(projection.fields(counted).shape if projection.groups else counted.shape))]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_nodes_of_places_are_those_of_the_fields(kind):
    projection = develop(kind, STDP(), Streams(1)).projection
    assert torch.equal(nodes_of(projection), projection.nodes)
