import math

import numpy as np
import pytest
import torch
from helpers.processes import on_processes
from helpers.rules import learn, learn_weight, start, trains

from lightning_snn.plasticity import Activity, RewardSTDP, Streams


def eligibility_by_loop(pre, post, *, a_plus, a_minus, tau_c):
    """Eligibility after each step of one synapse with spikes ``[T]`` of both sides."""
    x = y = c = 0.0
    found = []
    for before, after in zip(pre.tolist(), post.tolist(), strict=True):
        x, y, c = x * math.exp(-1 / 12) + before, y * math.exp(-1 / 25), c * math.exp(-1 / tau_c)
        c += a_plus * x * after - a_minus * y * before
        y += after
        found.append(c)
    return found


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("places", [1, 2])
def test_it_equals_a_loop_over_steps(places, reduction):
    constants = {"a_plus": 0.7, "a_minus": 0.5}
    rule = RewardSTDP(
        0.01, **constants, tau_plus=12.0, tau_minus=25.0, tau_eligibility=40.0, w_min=-3.0, w_max=3.0,
        reduction=reduction,
    )  # fmt: skip
    pre, post = trains()
    streams = 4 // places
    rewards = [torch.tensor([1.0, -0.5, 0.3, 2.0])[:streams], None, torch.tensor([0.2] * streams)]
    expected = np.zeros((3, 7))
    for row, k, f in np.ndindex(4, 3, 7):
        c = eligibility_by_loop(pre[:, row, f], post[:, row, k], **constants, tau_c=40)
        change = 0.01 * (rewards[0][row // places].item() * c[19] + 0.2 * c[59])
        expected[k, f] += change / (streams if reduction == "mean" else 1)
    found = learn_weight(rule, torch.zeros(3, 7), pre, post, rewards=rewards, places=places)
    assert abs(expected).max() > 0.01
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("lag", "sign"), [(0, 1), (5, 1), (-5, -1)])
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
@pytest.mark.parametrize("places", [1, 3])
def test_it_learns_the_same_on_any_number_of_processes(sizes, places):
    rule = RewardSTDP(w_min=-1.0)
    pre, post = trains(rows=4 * places)
    rewards = torch.tensor([1.0, -0.3, 0.7, 2.0])

    def run(streams):
        options = {"places": places, "rewards": [rewards] * 3, "streams": streams}
        return learn(rule, start(rule), pre, post, **options)["weight"]

    whole = run(Streams(4))
    for part in on_processes(sizes, run):
        assert torch.equal(part, whole)
    assert (whole != start(rule)["weight"]).all()


def test_the_reward_must_be_one_number_a_stream():
    rule, (pre, post) = RewardSTDP(), trains()
    wiring = rule.initial(7, 3, torch.Generator())
    with pytest.raises(ValueError, match=r"reward must be one number a stream, \[2\], got \[4\]"):
        rule.learn(Activity(pre, post, 2, torch.ones(4)), wiring, rule.open(wiring, 4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(({name: 0.0}, f"{name} must be a finite number above 0") for name in ("tau_eligibility", "dt")),
        *(({name: -1.0}, f"{name} must .*0 or above, got -1") for name in ("a_plus", "a_minus")),
        ({"learning_rate": 0.0}, "learning_rate must be a finite number above 0"),
        ({"w_min": 1.0}, "w_min must lie below w_max = 1.0, got 1.0"),
        ({"initial_range": (-0.1, 0.2)}, "initial_range must .*between 0.0 and 1.0"),
        ({"reduction": "max"}, "reduction must be one of mean, sum"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        RewardSTDP(**options)
