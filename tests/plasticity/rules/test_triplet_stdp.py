import math

import numpy as np
import pytest
import torch
from helpers.processes import on_processes
from helpers.rules import learn, learn_weight, start, trains

from lightning_snn.plasticity import Activity, PairSTDP, Streams, TripletSTDP

FULL = {"a2_plus": 5e-3, "a3_plus": 6e-3, "a2_minus": 7e-3, "a3_minus": 2e-3}


def change_by_loop(pre, post, *, nearest, own=(0.5, 0.5), a2_plus, a3_plus, a2_minus, a3_minus):
    """Change of one synapse by spikes ``[T]`` of both sides, step by step, from the equations.

    ``own`` is how much of a step's spikes r1 and o1 hold in it.
    """
    r1 = r2 = o1 = o2 = change = 0.0
    for before, after in zip(pre.tolist(), post.tolist(), strict=True):
        r1, r2 = r1 * math.exp(-1 / 16.8), r2 * math.exp(-1 / 101)
        o1, o2 = o1 * math.exp(-1 / 33.7), o2 * math.exp(-1 / 114)
        old_r1, old_o1 = r1, o1
        if before:
            r1 = 1.0 if nearest else r1 + 1
        if after:
            o1 = 1.0 if nearest else o1 + 1
        change += after * ((1 - own[0]) * old_r1 + own[0] * r1) * (a2_plus + a3_plus * o2)
        change -= before * ((1 - own[1]) * old_o1 + own[1] * o1) * (a2_minus + a3_minus * r2)
        if before:
            r2 = 1.0 if nearest else r2 + 1
        if after:
            o2 = 1.0 if nearest else o2 + 1
    return change


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("places", [1, 2])
@pytest.mark.parametrize("coincidence", ["half", "potentiate", "none"])
@pytest.mark.parametrize("pairing", ["all", "nearest"])
def test_it_equals_a_loop_over_steps(pairing, coincidence, places, reduction):
    amplitudes = {name: value / 100 for name, value in FULL.items()}
    rule = TripletSTDP(**amplitudes, pairing=pairing, coincidence=coincidence, reduction=reduction, w_max=2.0)
    pre, post = trains()
    own = {"half": (0.5, 0.5), "potentiate": (1.0, 0.0), "none": (0.0, 0.0)}[coincidence]
    expected = np.full((3, 7), 1.0)
    for row, k, f in np.ndindex(4, 3, 7):
        sides = pre[:, row, f], post[:, row, k]
        change = change_by_loop(*sides, nearest=pairing == "nearest", own=own, **amplitudes)
        expected[k, f] += 2 * change / (4 / places if reduction == "mean" else 1)
    found = learn_weight(rule, torch.full((3, 7), 1.0), pre, post, places=places)
    assert 1e-4 < abs(expected - 1).max() < 0.9
    np.testing.assert_allclose(found.numpy() - 1, expected - 1, rtol=1e-3, atol=1e-6)


DATA = {
    10: ([-0.04, 0.14, 0.29, 0.53, 0.56], [0.05, 0.10, 0.14, 0.11, 0.26]),
    -10: ([-0.29, -0.41, -0.34, 0.56, 0.75], [0.08, 0.11, 0.10, 0.32, 0.19]),
}
"""Change of the weight and its standard error after pairings at 0.1, 10, 20, 40 and 50 Hz, for both orders
in ms: Sjostrom, Turrigiano and Nelson, Neuron 32 (2001), as used by Pfister and Gerstner (2006)."""


def change_after_60_pairings(rule, frequency, lag):
    """Steps of 5 ms; at 0.1 Hz pairings do not see each other, so they are 60 streams of one."""
    period, count, rows = (round(200 / frequency), 60, 1) if frequency > 1 else (200, 1, 60)
    pre, post = (torch.zeros(period * count + 20, rows, 1) for _ in range(2))
    times = 10 + period * torch.arange(count)
    pre[times], post[times + lag // 5] = 1, 1
    low, high = (learn_weight(rule, torch.tensor([[w]]), pre, post).item() for w in (0.0, 1.0))
    return low if low > 0 else high - 1


def test_the_frequency_of_pairing_in_visual_cortex():
    rule = TripletSTDP(reduction="sum", dt=5.0)
    errors = []
    for lag, (means, deviations) in DATA.items():
        for frequency, mean, deviation in zip([0.1, 10, 20, 40, 50], means, deviations, strict=True):
            errors.append((change_after_60_pairings(rule, frequency, lag) - mean) / deviation)
    errors = np.array(errors)
    assert (errors**2).mean() <= 0.4
    assert (abs(errors) <= 1).sum() >= 9


def test_without_triplets_it_is_pair_stdp():
    pre, post = trains()
    weight = torch.full((3, 7), 0.5)
    triplet = TripletSTDP(a2_plus=0.01, a3_plus=0.0, a2_minus=0.02, tau_plus=9.0, tau_minus=14.0)
    pair = PairSTDP(0.01, 0.02, tau_plus=9.0, tau_minus=14.0)
    torch.testing.assert_close(
        learn_weight(triplet, weight, pre, post), learn_weight(pair, weight, pre, post)
    )


@pytest.mark.parametrize(
    ("times_pre", "times_post", "expected"),
    [
        ([20], [10, 20], (6e-3 * math.exp(-10 / 114) + 5e-3 - 7e-3) / 2 - 7e-3 * math.exp(-10 / 33.7)),
        ([10], [10], (5e-3 - 7e-3) / 2),
        ([10, 30], [20], 5e-3 * math.exp(-10 / 16.8)
         - (7e-3 + 2e-3 * math.exp(-20 / 101)) * math.exp(-10 / 33.7)),
    ],
)  # fmt: skip
def test_a_slow_trace_is_read_before_the_current_spike(times_pre, times_post, expected):
    pre, post = torch.zeros(50, 1, 1), torch.zeros(50, 1, 1)
    pre[times_pre], post[times_post] = 1, 1
    change = learn_weight(TripletSTDP(**FULL), torch.tensor([[0.5]]), pre, post).item() - 0.5
    assert change == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("pairing", ["all", "nearest"])
def test_splitting_a_chunk_changes_nothing(pairing):
    rule = TripletSTDP(**{name: value / 100 for name, value in FULL.items()}, pairing=pairing)
    pre, post = trains(40)
    weight = torch.full((3, 7), 0.5)
    whole = learn_weight(rule, weight, pre, post)
    torch.testing.assert_close(learn_weight(rule, weight, pre, post, chunks=8), whole)
    assert (whole != weight).any()


@pytest.mark.parametrize("bounds", ["hard", "soft"])
def test_weights_stay_within_bounds(bounds):
    rule = TripletSTDP(a2_plus=0.3, a3_plus=0.5, a2_minus=0.8, bounds=bounds, w_max=3.0)
    found = learn_weight(rule, 3 * torch.rand(3, 7, generator=torch.Generator().manual_seed(0)), *trains(200))
    assert found.min() >= 0
    assert found.max() <= 3


@pytest.mark.parametrize("sizes", [[2, 2], [1, 3]])
def test_it_learns_the_same_on_any_number_of_processes(sizes):
    rule = TripletSTDP(**FULL)
    pre, post = trains()

    def run(streams):
        return learn(rule, start(rule), pre, post, chunks=3, streams=streams)["weight"]

    whole = run(Streams(4))
    for part in on_processes(sizes, run):
        assert torch.equal(part, whole)


def test_learn_does_not_modify_its_arguments_and_counts_spikes():
    rule, (pre, post) = TripletSTDP(**FULL), trains()
    wiring = rule.initial(7, 3, torch.Generator())
    _, state = rule.learn(Activity(pre, post), wiring, rule.open(wiring, 4))
    before = {name: value.clone() for name, value in (wiring | state).items()}
    proposal, _ = rule.learn(Activity(pre, post), wiring, state)
    assert torch.equal(proposal["spikes"], post.sum(0))
    for name, value in before.items():
        assert torch.equal((wiring | state)[name], value), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(({name: 0.0}, f"{name} must be a finite number above 0") for name in ("tau_x", "tau_y", "w_max")),
        *(({name: -1.0}, f"{name} must .*0 or above, got -1") for name in FULL),
        ({"bounds": "none"}, "bounds must be one of hard, soft, got 'none'"),
        ({"pairing": "last"}, "pairing must be one of all, nearest"),
        ({"initial_range": (0.5, 0.2)}, r"initial_range must .*ascending.*got \[0.5, 0.2\]"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        TripletSTDP(**options)
