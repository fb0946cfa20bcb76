"""Every rule on every projection: one round, the same on any number of processes."""

from functools import partial

import pytest
import torch
from helpers.processes import on_processes
from helpers.stimuli import RewardedNoise
from helpers.tensors import assert_equal, assert_same

from lightning_snn.development.development import Development
from lightning_snn.geometry import Maps
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF
from lightning_snn.plasticity import (
    STDP,
    CompetitiveHebbian,
    CompetitiveSTDP,
    FirstSpikeSTDP,
    GainControl,
    LearningRule,
    PairSTDP,
    PostsynapticSTDP,
    RewardSTDP,
    Streams,
    TargetRate,
    TripletSTDP,
)
from lightning_snn.synapses import Columns, Conv2d, Dense, ExponentialCurrent, Local, RoundFields


class Coincidences(LearningRule):
    """Weights grow with the steps in which input and unit both spike; learns from the layer's own spikes."""

    connected_above = 0.1
    needs_post = True

    def initial(self, num_pre, num_post, generator):
        return {"weight": 0.2 + 0.3 * torch.rand(num_post, num_pre, generator=generator)}

    def open(self, wiring, num_rows):
        return {"steps": torch.zeros(num_rows, len(wiring["weight"]))}

    def learn(self, activity, wiring, stream):
        post = activity.require_post()
        assert post.shape == (*activity.pre.shape[:2], len(wiring["weight"]))
        together = torch.einsum("trk,trf->rkf", post, activity.pre)
        return {"together": together, "spikes": post.sum(0)}, {"steps": stream["steps"] + len(post)}

    def merge(self, wiring, proposal, streams, steps):
        del steps
        return {"weight": wiring["weight"] + 0.01 * streams.sum(proposal["together"].sum(0))}


RULES = {
    "stdp": partial(STDP, threshold=0.5, threshold_jump=0.1),
    "competitive": partial(CompetitiveHebbian, threshold=4.0),
    "competitive stdp": partial(CompetitiveSTDP, threshold=1.0),
    "first spike": partial(FirstSpikeSTDP, threshold=2.0),
    "pair": PairSTDP,
    "triplet": TripletSTDP,
    "postsynaptic": PostsynapticSTDP,
    "reward": partial(RewardSTDP, 0.01),
    "gain": GainControl,
    "coincidences": Coincidences,
}
SETS_THRESHOLDS = {"first spike", "gain"}
PROJECTIONS = {
    "dense": Dense,
    "conv": partial(Conv2d, in_shape=(2, 6, 5), kernel_size=3, stride=1),
    "conv padded": partial(Conv2d, in_shape=(2, 6, 5), kernel_size=2, stride=2, padding=1),
    "columns": partial(Columns, fields=RoundFields(1.6, 6)),
    "local": partial(Local, radius=2.0),
}
ABOVE = {"conv": (3, 4, 3), "conv padded": (3, 4, 3)}
TIME = {"none": {}, "delay and kinetics": {"delay": 2.0, "kinetics": ExponentialCurrent(5.0)}}


def develop(streams, rule, projection, options):
    homeostasis = [] if rule in SETS_THRESHOLDS else [TargetRate(20.0)]
    wiring = partial(
        PROJECTIONS[projection], rule=RULES[rule](), gain=20.0, homeostasis=homeostasis, **options
    )
    layers = {
        "below": SpikingLayer(Maps(2, 6, 5), LIF()),
        "above": SpikingLayer(Maps(*ABOVE.get(projection, (3, 4, 3))), LIF(5.0), projection=wiring),
    }
    return Development(SpikingNetwork(layers, seed=0), "above", RewardedNoise(0.3), streams)


def run(streams, rule, projection, options):
    development = develop(streams, rule, projection, options)
    shares = [development.round(25, number).share for number in range(2)]
    return development, shares, development.state()  # which the processes gather together


@pytest.mark.parametrize("time", TIME)
@pytest.mark.parametrize("projection", PROJECTIONS)
@pytest.mark.parametrize("rule", RULES)
def test_a_round_changes_the_weights_alike_on_any_number_of_processes(rule, projection, time):
    whole, shares, state = run(Streams(4), rule, projection, TIME[time])
    weight = whole.projection.weight
    assert weight.isfinite().all()
    assert not torch.equal(weight, whole.projection.initial_weight())
    assert 0 < max(shares) <= 1
    halves = on_processes((2, 2), lambda part: run(part, rule, projection, TIME[time]))
    for part, own, own_state in halves:
        assert own == shares
        assert_same(part.projection.wiring, whole.projection.wiring)
        assert_equal(own_state, state)


@pytest.mark.parametrize("projection", PROJECTIONS)
@pytest.mark.parametrize("rule", RULES)
def test_a_state_goes_on_where_it_was(rule, projection):
    whole, *_ = run(Streams(2), rule, projection, TIME["delay and kinetics"])
    first = develop(Streams(2), rule, projection, TIME["delay and kinetics"])
    first.round(25, 0)
    second = develop(Streams(2), rule, projection, TIME["delay and kinetics"])
    second.projection.rewire(first.projection.wiring)
    second.restore(first.state())
    second.round(25, 1)
    assert torch.equal(second.projection.weight, whole.projection.weight)


def test_a_rule_sees_places_place_by_place_or_as_rows():
    """A shared weight learns from all windows at once, a column from its own field alone."""
    conv, *_ = run(Streams(2), "coincidences", "conv", {})
    assert list(conv.projection.weight.shape) == [3, 18]
    columns = develop(Streams(2), "coincidences", "columns", {})
    before = columns.projection.weight.detach().clone()
    pre = columns.round(25, 0).pre
    grown = columns.projection.weight - before
    assert (grown[:, :, :1] != 0).any()
    silent = columns.projection.fields(pre.sum((0, 1))) == 0
    assert not (grown * silent[:, None]).any()
