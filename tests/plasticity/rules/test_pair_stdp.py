import math

import numpy as np
import pytest
import torch
from helpers.processes import on_processes
from helpers.rules import learn, learn_weight, start, trains
from helpers.tensors import spikes_of

from lightning_snn import LIF
from lightning_snn.core.time import delayed
from lightning_snn.plasticity import Activity, PairSTDP, Streams
from lightning_snn.plasticity.bounds import bounded

SHARES = {"potentiate": (1.0, 0.0), "half": (0.5, 0.5), "none": (0.0, 0.0)}
"""What a coincidence counts in potentiation and in depression."""


def change_by_loop(
    pre, post, *, pairing="all", coincidence, a_plus, a_minus, tau_plus, tau_minus, offset=0.0
):
    """Gain and loss of one row ``[T, F]``, ``[T, K]``: each pair of spikes by its difference in time."""
    gain, loss = (np.zeros((post.shape[1], pre.shape[1])) for _ in range(2))
    with_own, own_loss = SHARES[coincidence]

    def met(times, now, share, tau):
        found = 0.0
        for weight, before in (
            (share, [s for s in times if s <= now]),
            (1 - share, [s for s in times if s < now]),
        ):
            chosen = before if pairing == "all" else before[-1:]
            found += weight * sum(math.exp(-(now - s) / tau) for s in chosen)
        return found

    for k in range(post.shape[1]):
        for f in range(pre.shape[1]):
            of_pre = [t for t in range(len(pre)) if pre[t, f]]
            of_post = [t for t in range(len(post)) if post[t, k]]
            for t in of_post:
                gain[k, f] += a_plus * met(of_pre, t, with_own, tau_plus)
                loss[k, f] += a_plus * offset
            for t in of_pre:
                loss[k, f] += a_minus * met(of_post, t, own_loss, tau_minus)
    return gain, loss


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("pairing", ["all", "nearest"])
@pytest.mark.parametrize("coincidence", SHARES)
@pytest.mark.parametrize(("places", "offset"), [(1, 0.0), (2, 0.3)])
def test_hard_bounds_equal_a_loop_over_pairs(pairing, coincidence, reduction, places, offset):
    constants = {
        "a_plus": 0.002, "a_minus": 0.003, "tau_plus": 12.0, "tau_minus": 25.0, "pairing": pairing,
        "coincidence": coincidence,
    }  # fmt: skip
    rule = PairSTDP(**constants, reduction=reduction, trace_offset=offset, w_max=2.0)
    pre, post = trains()
    weight = torch.full((3, 7), 1.0)
    expected = weight.double().numpy()
    for row in range(4):
        gain, loss = change_by_loop(pre[:, row], post[:, row], **constants, offset=offset)
        expected = expected + 2 * (gain - loss) / (4 / places if reduction == "mean" else 1)
    assert expected.min() > 0
    assert expected.max() < 2
    assert abs(expected - 1).max() > 0.01
    found = learn_weight(rule, weight, pre, post, places=places)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("lag", [-40, -15, -3, -1, 0, 1, 3, 15, 40])
@pytest.mark.parametrize("coincidence", SHARES)
def test_the_window_is_exponential_but_for_a_coincidence(coincidence, lag):
    rule = PairSTDP(0.02, 0.03, tau_plus=17.0, tau_minus=34.0, dt=0.5, coincidence=coincidence)
    pre, post = torch.zeros(100, 1, 1), torch.zeros(100, 1, 1)
    pre[50], post[50 + lag] = 1, 1
    change = learn_weight(rule, torch.tensor([[0.5]]), pre, post).item() - 0.5
    gain, loss = SHARES[coincidence] if lag == 0 else (float(lag > 0), float(lag < 0))
    expected = 0.02 * gain * math.exp(-0.5 * lag / 17) - 0.03 * loss * math.exp(0.5 * lag / 34)
    assert change == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("delay_time", [0.0, 2.0, 30.0])
@pytest.mark.parametrize("pairing", ["all", "nearest"])
def test_splitting_a_chunk_changes_nothing(pairing, delay_time):
    rule = PairSTDP(pairing=pairing, delay=delay_time, a_plus=1e-3, a_minus=1e-3)
    pre, post = trains(40)
    weight = torch.full((3, 7), 0.5)
    whole = learn_weight(rule, weight, pre, post)
    torch.testing.assert_close(learn_weight(rule, weight, pre, post, chunks=4), whole)
    assert (whole != weight).any()


@pytest.mark.parametrize(("time", "dt"), [(3.0, 1.0), (1.5, 0.5), (200.0, 1.0)])
def test_a_delay_is_the_same_as_later_spikes(time, dt):
    steps = round(time / dt)
    pre, post = trains()
    late = torch.cat([torch.zeros(steps, 4, 7), pre])[:60]
    weight = torch.full((3, 7), 0.5)
    found = learn_weight(PairSTDP(delay=time, dt=dt), weight, pre, post, chunks=3)
    assert torch.equal(found, learn_weight(PairSTDP(dt=dt), weight, late, post, chunks=3))


def test_spikes_under_way_are_carried():
    first, second = spikes_of(3, 2, 4), spikes_of(6, 2, 4, seed=1)
    arrived, held = delayed(first, torch.zeros(2, 5, 4))
    assert not arrived.any()
    then, held = delayed(second, held)
    whole = torch.cat([torch.zeros(5, 2, 4), first, second])
    assert torch.equal(then, whole[3:9])
    assert torch.equal(held.transpose(0, 1), whole[9:])


def test_soft_bounds_solve_their_equation_and_never_overshoot():
    generator = torch.Generator().manual_seed(0)
    weight, gain, loss = (torch.rand(5, 6, generator=generator) for _ in range(3))
    weight, gain = 2 * weight, gain.clone()
    gain[0, 0] = loss[0, 0] = 0
    expected = weight.double()
    for _ in range(20_000):
        expected = expected + (gain * (2 - expected) - loss * expected) / 20_000
    found = bounded(weight, gain, loss, w_max=2.0, bounds="soft")
    torch.testing.assert_close(found, expected.float(), rtol=1e-4, atol=1e-4)
    assert found[0, 0] == weight[0, 0]
    for factor in (10, 1e4):
        far = bounded(weight, factor * gain, factor * loss, w_max=2.0, bounds="soft")
        assert far.min() >= 0
        assert far.max() <= 2
        torch.testing.assert_close(far[1:], (2 * gain / (gain + loss))[1:], rtol=0.3, atol=0.1)


def distribution(bounds):
    """Weights of eight integrate-and-fire units with 200 Poisson inputs of 15 Hz after 60 s.

    A spike acts in its own step, so that a coincidence is mostly cause and effect.
    """
    rule = PairSTDP(0.02, 0.024, bounds=bounds, coincidence="potentiate")
    neuron = LIF(10.0, threshold=15.0, resistance=1 / (1 - math.exp(-1 / 10)))
    generator = torch.Generator().manual_seed(0)
    wiring = rule.initial(200, 8, generator)
    state, neurons = rule.open(wiring, 1), neuron.rest(1, 8, wiring["weight"])
    for _ in range(600):
        pre = (torch.rand(100, 1, 200, generator=generator) < 0.015).float()
        post, neurons = neuron.scan(pre @ wiring["weight"].t(), neurons)
        proposal, state = rule.learn(Activity(pre, post), wiring, state)
        wiring = rule.merge(wiring, proposal, Streams(1), 100)
    return wiring["weight"]


def test_hard_bounds_give_two_groups_of_weights_and_soft_bounds_one():
    hard, soft = (torch.histc(distribution(bounds), 10, 0, 1) / 1600 for bounds in ("hard", "soft"))
    assert hard[[0, -1]].min() > 2 * hard[3:6].max()
    assert soft[3:6].sum() > 0.95


def test_silent_inputs_lose_with_an_offset():
    pre, post = torch.zeros(20, 1, 2), torch.zeros(20, 1, 1)
    pre[9, 0, 0] = post[10, 0, 0] = 1
    weight = learn_weight(PairSTDP(0.1, trace_offset=0.4), torch.tensor([[0.5, 0.5]]), pre, post)
    expected = [0.5 + 0.1 * (math.exp(-1 / 20) - 0.4), 0.5 - 0.1 * 0.4]
    assert weight[0].tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("sizes", [[2, 2], [1, 3], [1, 1, 1, 1]])
@pytest.mark.parametrize("places", [1, 3])
def test_it_learns_the_same_on_any_number_of_processes(sizes, places):
    rule = PairSTDP(bounds="soft", trace_offset=0.1, delay=2.0)
    pre, post = trains(rows=4 * places)

    def run(streams):
        return learn(rule, start(rule), pre, post, chunks=3, places=places, streams=streams)["weight"]

    whole = run(Streams(4))
    for part in on_processes(sizes, run):
        assert torch.equal(part, whole)
    assert (whole != start(rule)["weight"]).all()


def test_learn_and_merge_do_not_modify_their_arguments():
    rule, (pre, post) = PairSTDP(delay=3.0), trains()
    wiring = rule.initial(7, 3, torch.Generator())
    state = rule.open(wiring, 4)
    given = {**wiring, **state, "pre": pre, "post": post}
    before = {name: value.clone() for name, value in given.items()}
    proposal, _ = rule.learn(Activity(pre, post), wiring, state)
    assert torch.equal(proposal["spikes"], post.sum(0))
    kept = {name: value.clone() for name, value in proposal.items()}
    merged = rule.merge(wiring | {"other": pre}, proposal, Streams(4), 60)
    assert merged["other"] is pre
    for name, value in (before | kept).items():
        assert torch.equal((given | proposal)[name], value), name


def test_first_weights():
    weight = PairSTDP(w_max=4.0, initial_range=(1.0, 3.0)).initial(300, 50, torch.Generator())["weight"]
    assert weight.shape == (50, 300)
    assert (weight.min(), weight.max()) == pytest.approx((1, 3), abs=0.01)


def test_it_needs_the_spikes_of_the_units():
    rule = PairSTDP()
    wiring = rule.initial(7, 3, torch.Generator())
    with pytest.raises(ValueError, match="needs the spikes of the units"):
        rule.learn(Activity(spikes_of(5, 1, 7)), wiring, rule.open(wiring, 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(({name: 0.0}, f"{name} must be a finite number above 0") for name in ("tau_plus", "w_max", "dt")),
        *(({name: -1.0}, f"{name} must .*0 or above, got -1") for name in ("a_plus", "a_minus")),
        ({"pairing": "last"}, "pairing must be one of all, nearest, got 'last'"),
        ({"coincidence": "both"}, "coincidence must be one of half, none, potentiate, got 'both'"),
        ({"bounds": "none"}, "bounds must be one of hard, soft, got 'none'"),
        ({"reduction": "max"}, "reduction must be one of mean, sum, got 'max'"),
        ({"delay": 0.7, "dt": 1.0}, r"delay must .*whole multiple of dt = 1.0 ms, got 0.7"),
        ({"delay": -1.0}, "delay must be a finite number, 0 or above, got -1.0"),
        ({"initial_range": (0.5, 2.0)}, r"initial_range must .*between 0 and 1.0, got \[0.5, 2.0\]"),
        ({"connected_above": 2.0}, "connected_above must lie between 0 and 1.0, got 2.0"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        PairSTDP(**options)


def test_a_delay_that_rounds_to_nothing_is_none():
    assert "under_way" not in PairSTDP(delay=0.3 - 0.1 * 3).open({"weight": torch.zeros(2, 3)}, 1)
    with pytest.raises(ValueError, match=r"delay must be a finite number, 0 or above, got -1.0"):
        PairSTDP(delay=-1.0)
