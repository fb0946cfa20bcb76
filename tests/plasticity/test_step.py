"""Every rule and regulator at steps of 1, .5, .25 and .1 ms: the same spikes make the same weights."""

import inspect

import pytest
import torch
from helpers.rules import learn, start
from helpers.tensors import spikes_of

from lightning_snn import plasticity
from lightning_snn.development.learning import learn_round, open_rule
from lightning_snn.plasticity import (
    STDP,
    Activity,
    AdaptiveThreshold,
    AntiHebbian,
    CompetitiveHebbian,
    CompetitiveSTDP,
    FirstSpikeSTDP,
    GainControl,
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
from lightning_snn.plasticity.windows import in_windows, window_steps
from lightning_snn.synapses import Dense

STEPS = [1.0, 0.5, 0.25, 0.1]
TIME, ROWS, PRE, POST = 120, 4, 30, 6

RULES = {
    "stdp": STDP(threshold=0.5),
    "competitive": CompetitiveHebbian(threshold=10.0, review_interval=100),
    "race": CompetitiveSTDP(threshold=2.0),
    "first spike": FirstSpikeSTDP(threshold=5.0),
    "anti-Hebbian": AntiHebbian(),
    "gain": GainControl(),
    "gain alone": GainControl(thresholds="none"),
    "pair": PairSTDP(),
    "nearest pair": PairSTDP(pairing="nearest", bounds="soft", delay=3.0, trace_offset=0.1),
    "triplet": TripletSTDP(),
    "postsynaptic": PostsynapticSTDP(),
    "reward": RewardSTDP(1e-3, w_min=-1.0),
    "lasting reward": RewardSTDP(1e-3, w_min=-1.0, tau_reward=10.0),
}


def at_times(times, dt):
    """Spikes ``[T, ...]`` in steps of ``dt``, from those in steps of .05 ms; at most one in each step."""
    return in_windows(times, round(dt / 0.05), most=1.0)


def spread(spikes, share=0.05):
    """Spikes of steps of 1 ms in steps of .05 ms, each at the start of its own, or at any time of it."""
    place = torch.zeros_like(spikes, dtype=torch.int64)
    if share:
        place = torch.randint(0, 20, spikes.shape, generator=torch.Generator().manual_seed(7))
    return torch.zeros(20, *spikes.shape).scatter_(0, place[None], spikes[None]).transpose(0, 1).flatten(0, 1)


def weights(rule, dt, *, anywhere):
    """The first weights and those after two chunks, at a step of ``dt``."""
    num_pre = POST if rule.lateral else PRE
    pre = spread(spikes_of(TIME, ROWS, num_pre, share=0.03), anywhere)
    post = spread(spikes_of(TIME, ROWS, POST, share=0.05, seed=1), anywhere)
    reward = spread(spikes_of(TIME, ROWS, 1, share=0.1, seed=2), anywhere)[..., 0]
    rule = rule.at(dt, "rule.dt")
    first = start(rule, num_pre, POST)
    rewards = at_times(reward[..., None], dt)[..., 0].chunk(2)
    after = learn(rule, first, at_times(pre, dt), at_times(post, dt), rewards=rewards)
    return first["weight"], after


def test_every_rule_is_here():
    public = {getattr(plasticity, name) for name in plasticity.__all__}
    rules = {c for c in public if inspect.isclass(c) and issubclass(c, LearningRule)} - {LearningRule}
    assert {type(rule) for rule in RULES.values()} == rules


@pytest.mark.parametrize("dt", STEPS[1:])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_spikes_at_the_same_times_make_the_same_wiring(rule, dt):
    first, whole = weights(rule, 1.0, anywhere=False)
    _, fine = weights(rule, dt, anywhere=False)
    assert (whole["weight"] != first).any()
    for name, value in whole.items():
        torch.testing.assert_close(fine[name], value, rtol=1e-4, atol=1e-6, msg=f"{name} at dt = {dt}")


@pytest.mark.parametrize("name", RULES)
def test_what_a_coarse_step_does_to_the_times_of_spikes_shrinks_with_it(name):
    first, exact = weights(RULES[name], 0.05, anywhere=True)
    change = (exact["weight"] - first).norm()
    errors = []
    for dt in STEPS:
        _, found = weights(RULES[name], dt, anywhere=True)
        errors.append(((found["weight"] - exact["weight"]).norm() / change).item())
    assert change > 0
    assert errors[0] < (0.6 if name == "race" else 0.3)  # one of its few races is decided within a step
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] <= errors[0] / 3


REGULATORS = {
    "adaptive threshold": AdaptiveThreshold(0.3, tau=200.0),
    "synaptic scaling": SynapticScaling(20.0, tau=100.0, gain=5.0),
    "target rate": TargetRate(20.0, final_learning_rate=1e-3, horizon=500.0),
    "normalisation": WeightNormalisation(3.0),
}


def test_every_regulator_is_here():
    public = {getattr(plasticity, name) for name in plasticity.__all__}
    regulators = {c for c in public if inspect.isclass(c) and issubclass(c, Homeostasis)} - {Homeostasis}
    assert {type(regulator) for regulator in REGULATORS.values()} == regulators


@pytest.mark.parametrize("dt", STEPS[1:])
@pytest.mark.parametrize("regulator", REGULATORS.values(), ids=REGULATORS)
def test_regulators_see_times_and_not_steps(regulator, dt):
    pre = spread(spikes_of(TIME, ROWS, PRE, share=0.03), 0)
    post = spread(spikes_of(TIME, ROWS, POST, share=0.05, seed=1), 0)

    def regulated(dt):
        projection = Dense(PRE, POST, rule=PairSTDP(dt=dt), homeostasis=[regulator], seed=0)
        first = {name: value.clone() for name, value in projection.wiring.items()}
        streams = Streams(ROWS)
        state = open_rule(projection, projection.rule, streams)
        for before, after in zip(at_times(pre, dt).chunk(2), at_times(post, dt).chunk(2), strict=True):
            activity = Activity(before, after)
            state = learn_round(projection, projection.rule, activity, state, streams, dt=dt).stream
        return first, projection.wiring

    first, whole = regulated(1.0)
    _, fine = regulated(dt)
    for name, value in whole.items():
        assert (value != first[name]).any()
        torch.testing.assert_close(fine[name], value, rtol=1e-4, atol=1e-6)


def test_windows_of_a_chunk():
    spikes = spikes_of(11, 2, 3, share=0.5)
    found = in_windows(spikes, 4)
    expected = [spikes[:4].sum(0), spikes[4:8].sum(0), spikes[8:].sum(0)]
    assert torch.equal(found, torch.stack(expected))
    assert torch.equal(in_windows(spikes, 4, most=1.0), found.clamp_max(1))
    assert in_windows(spikes, 1) is spikes
    assert [window_steps(2.0, dt) for dt in (0.1, 0.5, 2.0, 3.0)] == [20, 4, 1, 1]


@pytest.mark.parametrize("rule", [STDP, CompetitiveHebbian])
def test_a_window_that_is_no_whole_number_of_steps_is_refused(rule):
    message = r"window must be a whole number of steps of dt = 0.3 ms, got 1.0 ms"
    with pytest.raises(ValueError, match=message):
        rule(dt=0.3)
    with pytest.raises(ValueError, match=f"connections.fields.rule: {message}"):
        rule().at(0.3, "connections.fields.rule.dt")
    assert rule(window=0.9).at(0.3, "rule.dt").window == 0.9
    with pytest.raises(ValueError, match="window must be a finite number above 0, got 0"):
        rule(window=0.0)
