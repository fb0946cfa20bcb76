import math
import re

import numpy as np
import pytest
import torch
from helpers.processes import on_processes
from helpers.rules import learn, learn_weight, start, trains

from lightning_snn.plasticity import Activity, RewardSTDP, Streams

CONSTANTS = {"a_plus": 0.7, "a_minus": 0.5, "tau_plus": 12.0, "tau_minus": 25.0, "w_min": -3.0, "w_max": 3.0}


def eligibility_by_loop(pre, post, *, a_plus=0.7, a_minus=0.5, tau_c, dt=1.0, own=(0.5, 0.5)):
    """Eligibility after each step of one synapse with spikes ``[T]`` of both sides."""
    x = y = c = 0.0
    found = []
    for before, after in zip(pre.tolist(), post.tolist(), strict=True):
        x, y, c = x * math.exp(-dt / 12), y * math.exp(-dt / 25), c * math.exp(-dt / tau_c)
        c += a_plus * (x + own[0] * before) * after - a_minus * (y + own[1] * after) * before
        x, y = x + before, y + after
        found.append(c)
    return np.array(found)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("coincidence", ["half", "potentiate", "none"])
@pytest.mark.parametrize("places", [1, 2])
def test_rewards_at_the_ends_of_chunks_equal_a_loop_over_steps(places, coincidence, reduction):
    rule = RewardSTDP(0.01, **CONSTANTS, tau_eligibility=40.0, reduction=reduction, coincidence=coincidence)
    own = {"half": (0.5, 0.5), "potentiate": (1.0, 0.0), "none": (0.0, 0.0)}[coincidence]
    pre, post = trains()
    streams = 4 // places
    rewards = [torch.tensor([1.0, -0.5, 0.3, 2.0])[:streams], None, torch.tensor([0.2] * streams)]
    expected = np.zeros((3, 7))
    for row, k, f in np.ndindex(4, 3, 7):
        c = eligibility_by_loop(pre[:, row, f], post[:, row, k], tau_c=40, own=own)
        change = 0.01 * (rewards[0][row // places].item() * c[19] + 0.2 * c[59])
        expected[k, f] += change / (streams if reduction == "mean" else 1)
    found = learn_weight(rule, torch.zeros(3, 7), pre, post, rewards=rewards, places=places)
    assert abs(expected).max() > 0.01
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-6)


def signal(steps, streams, seed=3):
    """Rewards ``[T, S]``: none in most steps."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(steps, streams, generator=generator)
    return values * (torch.rand(steps, streams, generator=generator) < 0.1)


@pytest.mark.parametrize("chunk", [10, 100, 1000])
@pytest.mark.parametrize("tau_reward", [None, 15.0])
@pytest.mark.parametrize("places", [1, 2])
def test_rewards_in_any_step_equal_a_loop_over_steps_however_long_chunks_are(places, tau_reward, chunk):
    pre, post = trains(1000)
    streams = 4 // places
    reward = signal(1000, streams)
    rule = RewardSTDP(1e-3, **CONSTANTS, tau_eligibility=40.0, tau_reward=tau_reward)
    pulse = reward.double().numpy()
    if tau_reward is not None:
        trace, rate = np.zeros(streams), 1 / tau_reward + 1 / 40
        for t in range(1000):
            pulse[t] = trace = math.exp(-1 / tau_reward) * trace + pulse[t]
        pulse *= (1 - math.exp(-rate)) / rate / tau_reward
    expected = np.zeros((3, 7))
    for row, k, f in np.ndindex(4, 3, 7):
        c = eligibility_by_loop(pre[:, row, f], post[:, row, k], tau_c=40)
        expected[k, f] += 1e-3 * pulse[:, row // places] @ c / streams
    found = learn_weight(
        rule, torch.zeros(3, 7), pre, post, rewards=reward.split(chunk), places=places
    ).numpy()
    assert 0.01 < abs(expected).max() < 3
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9999
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_a_reward_that_lasts_is_an_integral_over_time(dt):
    rule = RewardSTDP(1.0, tau_reward=30.0, tau_eligibility=50.0, w_min=-9.0, w_max=9.0, dt=dt)
    steps = round(600 / dt)
    pre, post = torch.zeros(steps, 1, 1), torch.zeros(steps, 1, 1)
    pre[round(10 / dt)], post[round(14 / dt)] = 1, 1
    reward = torch.zeros(steps, 1)
    reward[round(20 / dt)], reward[round(5 / dt)] = 2.0, 1.0
    found = learn_weight(rule, torch.zeros(1, 1), pre, post, rewards=reward.chunk(3))
    times = np.arange(0, 600, 0.01) + 0.005
    left = np.where(times > 14, math.exp(-4 / 20) * np.exp(-(times - 14) / 50), 0)
    level = sum(r * np.where(times > at, np.exp(-(times - at) / 30) / 30, 0) for r, at in ((2, 20), (1, 5)))
    assert found.item() == pytest.approx((left * level).sum() * 0.01, rel=1e-3)


def test_a_short_reward_trace_is_a_reward_in_its_step():
    pre, post = trains()
    reward = signal(60, 4)
    options = {"learning_rate": 1e-3, "tau_eligibility": 40.0, "w_min": -1.0}
    at_once, lasting = (
        learn_weight(RewardSTDP(**options, tau_reward=tau), torch.zeros(3, 7), pre, post, rewards=[reward])
        for tau in (None, 1e-3)
    )
    assert at_once.abs().max() > 1e-3
    torch.testing.assert_close(lasting, at_once, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("tau_reward", [None, 20.0])
def test_spikes_may_be_of_any_number_format(tau_reward):
    rule, (pre, post) = RewardSTDP(1e-3, w_min=-1.0, tau_reward=tau_reward), trains()
    found = [
        learn_weight(rule, torch.zeros(3, 7), pre.to(kind), post.to(kind), rewards=[signal(60, 4)])
        for kind in (torch.float32, torch.float64, torch.bfloat16)
    ]
    assert found[0].abs().max() > 1e-3
    assert all(torch.equal(found[0], other) for other in found[1:])


def test_a_reward_at_the_end_is_one_in_the_last_step():
    rule, (pre, post) = RewardSTDP(1e-3, w_min=-1.0), trains()
    end = torch.tensor([1.0, 2.0, -1.0, 0.5])
    steps = torch.cat([torch.zeros(59, 4), end[None]])
    found = [learn_weight(rule, torch.zeros(3, 7), pre, post, rewards=[r]) for r in (end, steps)]
    assert found[0].abs().max() > 1e-3
    torch.testing.assert_close(*found)


def test_what_is_left_of_a_reward_acts_in_the_next_chunk():
    rule, (pre, post) = RewardSTDP(1e-3, w_min=-1.0, tau_reward=50.0), trains()
    rewards = [torch.tensor([1.0, 2.0, -1.0, 0.5]), None, None]
    steps = torch.zeros(60, 4)
    steps[19] = rewards[0]
    weight = torch.zeros(3, 7)
    found = learn_weight(rule, weight, pre, post, rewards=rewards)
    assert (learn_weight(rule, weight, pre, post, rewards=[rewards[0], None]) != found).all()
    torch.testing.assert_close(found, learn_weight(rule, weight, pre, post, rewards=[steps]))


@pytest.mark.parametrize(("lag", "sign"), [(1, 1), (5, 1), (-5, -1)])
@pytest.mark.parametrize("reward", [1.0, -2.0])
def test_a_late_reward_finds_what_is_left_of_the_pair(lag, sign, reward):
    rule = RewardSTDP(0.1, tau_eligibility=50.0, w_min=-1.0)
    pre, post = torch.zeros(120, 1, 1), torch.zeros(120, 1, 1)
    pre[20], post[20 + lag] = 1, 1
    found = learn_weight(rule, torch.zeros(1, 1), pre, post, rewards=[None, None, torch.tensor([reward])])
    left = math.exp(-abs(lag) / 20 - (119 - max(20, 20 + lag)) / 50)
    assert found.item() == pytest.approx(0.1 * reward * sign * left, rel=1e-4)


def test_without_a_reward_nothing_changes_but_the_eligibility():
    rule, (pre, post) = RewardSTDP(), trains()
    wiring = rule.initial(7, 3, torch.Generator())
    proposal, state = rule.learn(Activity(pre, post), wiring, rule.open(wiring, 4))
    assert torch.equal(rule.merge(wiring, proposal, Streams(4), 60)["weight"], wiring["weight"])
    assert state["eligibility"].abs().min() > 0
    assert torch.equal(proposal["spikes"], post.sum(0))


def test_splitting_a_chunk_before_the_reward_changes_nothing():
    rule, (pre, post) = RewardSTDP(1e-3, w_min=-1.0), trains()
    reward, weight = torch.tensor([1.0, 2.0, -1.0, 0.5]), torch.zeros(3, 7)
    whole = learn_weight(rule, weight, pre, post, rewards=[reward])
    assert whole.abs().max() > 1e-3
    torch.testing.assert_close(learn_weight(rule, weight, pre, post, rewards=[None, None, reward]), whole)


def test_signed_weights_stay_within_their_bounds():
    rule, (pre, post) = RewardSTDP(10.0, w_min=-0.5, w_max=2.0), trains()
    first = rule.initial(300, 20, torch.Generator())["weight"]
    assert (first.min(), first.max()) == pytest.approx((-0.5, 2.0), abs=0.01)
    found = learn_weight(rule, torch.zeros(3, 7), pre, post, rewards=[torch.tensor([1.0, -1.0, 1.0, -1.0])])
    assert (found.min(), found.max()) == (-0.5, 2)


@pytest.mark.parametrize("sizes", [[2, 2], [1, 3]])
@pytest.mark.parametrize(("places", "tau_reward"), [(1, None), (3, None), (3, 20.0)])
@pytest.mark.parametrize("in_steps", [False, True])
def test_it_learns_the_same_on_any_number_of_processes(sizes, places, tau_reward, in_steps):
    rule = RewardSTDP(w_min=-1.0, tau_reward=tau_reward)
    pre, post = trains(rows=4 * places)
    rewards = list(signal(60, 4).chunk(3)) if in_steps else [torch.tensor([1.0, -0.3, 0.7, 2.0])] * 3

    def run(streams):
        options = {"places": places, "rewards": rewards, "streams": streams}
        return learn(rule, start(rule), pre, post, **options)["weight"]

    whole = run(Streams(4))
    for part in on_processes(sizes, run):
        assert torch.equal(part, whole)
    assert (whole != start(rule)["weight"]).all()


@pytest.mark.parametrize("shape", [(4,), (60,), (59, 2), (60, 4), (60, 2, 1), ()])
def test_the_reward_must_be_one_number_a_stream_or_a_step_of_one(shape):
    rule, (pre, post) = RewardSTDP(), trains()
    wiring = rule.initial(7, 3, torch.Generator())
    message = rf"reward must be one number a stream, \[2\], or .*\[60, 2\], got {re.escape(str(list(shape)))}"
    with pytest.raises(ValueError, match=message):
        rule.learn(Activity(pre, post, 2, torch.ones(shape)), wiring, rule.open(wiring, 4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(
            ({name: 0.0}, f"{name} must be a finite number above 0")
            for name in ("tau_eligibility", "tau_reward", "dt")
        ),
        *(({name: -1.0}, f"{name} must .*0 or above, got -1") for name in ("a_plus", "a_minus")),
        ({"learning_rate": 0.0}, "learning_rate must be a finite number above 0"),
        ({"w_min": 1.0}, "w_min must lie below w_max = 1.0, got 1.0"),
        ({"initial_range": (-0.1, 0.2)}, "initial_range must .*between 0.0 and 1.0"),
        ({"coincidence": "both"}, "coincidence must be one of half, none, potentiate, got 'both'"),
        ({"reduction": "max"}, "reduction must be one of mean, sum"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        RewardSTDP(**options)
