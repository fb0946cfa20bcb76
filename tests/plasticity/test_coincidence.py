"""What spikes of both sides in one step do, and the balance of uncorrelated spikes whatever the step is."""

import math

import pytest
import torch
from helpers.rules import learn_weight
from helpers.tensors import spikes_of

from lightning_snn import PairSTDP, RewardSTDP, TripletSTDP
from lightning_snn.ops.stdp_window import stdp_window

STEPS = [1.0, 0.5, 0.25, 0.1]
RATE, TIME = 0.015, 100
"""Spikes a ms of both sides, and how many ms."""


def sums(dt, tau_plus=20.0, tau_minus=20.0, **options):
    """Expected potentiation and depression of a synapse by uncorrelated spikes, as shares of the continuum.

    Pair sums are linear in both sides, so steady graded spikes give what independent trains give on average.
    """
    steady = torch.full((round(TIME / dt), 1, 1), RATE * dt, dtype=torch.float64)
    decays = {"pre_decay": math.exp(-dt / tau_plus), "post_decay": math.exp(-dt / tau_minus)}
    traces = [torch.full((1, 1), RATE * dt / (1 - decay), dtype=torch.float64) for decay in decays.values()]
    found = stdp_window(steady, steady, *traces, **decays, **options)
    return found.potentiation.item() / (RATE**2 * TIME * tau_plus), found.depression.item() / (
        RATE**2 * TIME * tau_minus
    )


@pytest.mark.parametrize("dt", STEPS)
@pytest.mark.parametrize("taus", [(20.0, 20.0), (17.0, 34.0)])
def test_halves_keep_the_balance_and_the_size(taus, dt):
    gain, loss = sums(dt, *taus)
    assert gain == pytest.approx(1, abs=2 * (dt / taus[0]) ** 2 / 12 + 1e-6)
    assert loss == pytest.approx(1, abs=2 * (dt / taus[1]) ** 2 / 12 + 1e-6)
    assert 1.05 * loss / gain == pytest.approx(1.05, abs=3e-4)


@pytest.mark.parametrize(
    ("coincidence", "ratios"),
    [("potentiate", [0.9988, 1.0241, 1.0370, 1.0448]), ("half", [1.05] * 4), ("none", [1.05] * 4)],
)
def test_the_ratio_of_depression_to_potentiation(coincidence, ratios):
    for dt, ratio in zip(STEPS, ratios, strict=True):
        gain, loss = sums(dt, coincidence=coincidence)
        assert 1.05 * loss / gain == pytest.approx(ratio, abs=1e-3)


@pytest.mark.parametrize("coincidence", ["potentiate", "none"])
def test_the_others_miss_the_size_by_half_a_step(coincidence):
    for dt in STEPS:
        gain, _ = sums(dt, coincidence=coincidence)
        sign = 1 if coincidence == "potentiate" else -1
        assert gain - 1 == pytest.approx(sign * dt / 40, rel=0.05)


@pytest.mark.parametrize("dt", STEPS)
@pytest.mark.parametrize("pairing", ["all", "nearest"])
def test_random_trains_have_the_ratio_too(pairing, dt):
    pairs, steps = 10_000, round(80 / dt)
    pre, post = (spikes_of(steps, pairs, 1, share=RATE * dt, seed=seed) for seed in (3, 4))
    decay = math.exp(-dt / 20)
    zeros = torch.zeros(pairs, 1)
    found = stdp_window(
        pre, post, zeros, zeros, pre_decay=decay, post_decay=decay, pairing=pairing, groups=pairs
    )
    difference = (found.potentiation - found.depression).flatten()
    bound = 4 * difference.std() / math.sqrt(pairs)
    assert bound < 0.1 * found.potentiation.mean()
    assert abs(difference.mean()) < bound


RULES = {
    "pair": PairSTDP(1e-3, 1e-3),
    "nearest": PairSTDP(1e-3, 1e-3, pairing="nearest"),
    "triplet": TripletSTDP(a2_plus=1e-3, a3_plus=0.0, a2_minus=1e-3),
    "reward": RewardSTDP(1e-3),
}


@pytest.mark.parametrize("dt", STEPS)
@pytest.mark.parametrize(("coincidence", "change"), [("half", 0.0), ("potentiate", 1e-3), ("none", 0.0)])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_coincidence_in_every_rule_of_pairs(rule, coincidence, change, dt):
    spikes = torch.zeros(round(20 / dt), 1, 1)
    spikes[-1] = 1
    rewards = [torch.ones(1)] if isinstance(rule, RewardSTDP) else None
    rule = rule.again(coincidence=coincidence, dt=dt)
    found = learn_weight(rule, torch.tensor([[0.5]]), spikes, spikes, rewards=rewards)
    assert found.item() - 0.5 == pytest.approx(change, abs=1e-6)


def test_half_is_the_mean_of_the_two_orders():
    """One ms apart in either order, and at once: the same sum over both orders."""

    def change(lag, dt):
        pre, post = torch.zeros(100, 1, 1), torch.zeros(100, 1, 1)
        pre[50], post[50 + lag] = 1, 1
        return learn_weight(PairSTDP(0.01, 0.02, dt=dt), torch.tensor([[0.5]]), pre, post).item() - 0.5

    assert change(0, 1e-3) == pytest.approx((change(1, 1e-3) + change(-1, 1e-3)) / 2, rel=1e-3)
