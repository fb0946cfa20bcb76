import numpy as np
import pytest
import torch
from helpers.rules import start
from helpers.tensors import spikes_of

from lightning_snn.plasticity import Activity, CompetitiveHebbian, Streams

f = np.float32


def learn_by_loop(spikes, weight, threshold, *, eta=0.1, mu=2.5, rate=0.005, count=1):
    """One stream ``[T, pre]``, element by element in float32; ``weight`` is ``[post, pre]``."""
    weight, threshold = weight.numpy().copy(), threshold.numpy().copy()
    largest, winners = np.zeros(len(weight), np.float32), []
    for s in spikes.numpy():
        response = []
        for row in weight:
            total = f(0)
            for w, x in zip(row, s, strict=True):
                total = total + w * x
            response.append(max(total, f(0)))
        best_first = sorted(range(len(weight)), key=lambda i: threshold[i] - response[i])[:count]
        largest = np.maximum(largest, np.array(response))
        for best in best_first:
            margin = response[best] - threshold[best]
            winners.append(best if margin > 0 else None)
            if margin <= 0:
                continue
            for j in range(len(s)):
                weight[best, j] = weight[best, j] + f(eta) * margin * s[j]
            mean = sum(weight[best], f(0)) / f(len(s))
            for j in range(len(s)):
                weight[best, j] = weight[best, j] * f(mu) / mean
            threshold[best] = threshold[best] + f(rate) * margin
    return weight, threshold, largest, winners


def proposal_of(wins, weight, threshold, largest):
    """A proposal of streams: what they won and, filled with one number each, what they hold."""
    wins = torch.tensor(wins)
    streams, units = wins.shape

    def fill(values, *shape):
        return torch.tensor(values).reshape(streams, *[1] * len(shape)).expand(streams, *shape).clone()

    return {
        "spikes": wins,
        "weight": fill(weight, 4, units),
        "threshold": fill(threshold, units),
        "largest": fill(largest, units),
    }


@pytest.mark.parametrize("count", [1, 3, 9])
def test_learning_equals_a_loop_over_elements(count):
    rule = CompetitiveHebbian(threshold=15.0, winners=count)
    wiring, spikes = start(rule, 20, 6), spikes_of(150, 3, 20)
    proposal, _ = rule.learn(Activity(spikes), wiring, {})
    for s in range(3):
        weight, threshold, largest, winners = learn_by_loop(
            spikes[:, s], wiring["weight"], wiring["threshold"], count=count
        )
        wins = [winners.count(unit) for unit in range(6)]
        assert 20 < sum(wins) < 150 * min(count, 6)
        assert count == 1 or sum(wins) > 150
        assert proposal["spikes"][s].tolist() == wins
        np.testing.assert_allclose(proposal["weight"][s].t().numpy(), weight, rtol=2e-5)
        np.testing.assert_allclose(proposal["threshold"][s].numpy(), threshold, rtol=1e-5)
        np.testing.assert_allclose(proposal["largest"][s].numpy(), largest, rtol=1e-5)


def test_only_the_winner_learns_and_keeps_its_mean():
    rule = CompetitiveHebbian(threshold=10.0, threshold_spread=0.0)
    wiring, spikes = start(rule, 20, 6), spikes_of(1, 1, 20)
    proposal, _ = rule.learn(Activity(spikes), wiring, {})
    winner = (wiring["weight"] @ spikes[0, 0]).argmax().item()
    changed = (proposal["weight"][0].t() != wiring["weight"]).any(1)
    assert changed.nonzero()[:, 0].tolist() == [winner]
    assert proposal["weight"][0, :, winner].mean().item() == pytest.approx(2.5)
    active = spikes[0, 0] > 0
    assert (proposal["weight"][0, active, winner] > wiring["weight"][winner, active]).all()
    assert (proposal["weight"][0, ~active, winner] < wiring["weight"][winner, ~active]).all()


def test_nobody_wins_below_threshold_or_in_silence():
    rule = CompetitiveHebbian(threshold=1000.0)
    wiring = start(rule, 20, 6)
    proposal, _ = rule.learn(Activity(spikes_of(30, 2, 20)), wiring, {})
    assert not proposal["spikes"].any()
    assert torch.equal(proposal["weight"][1].t(), wiring["weight"])
    assert proposal["largest"].min() > 0
    quiet, _ = CompetitiveHebbian(threshold=1e-3).learn(Activity(torch.zeros(5, 1, 20)), wiring, {})
    assert not quiet["spikes"].any()


def test_initial_rows_have_the_mean_and_the_spread():
    rule = CompetitiveHebbian()
    wiring = start(rule, 900, 50)
    weight = wiring["weight"]
    torch.testing.assert_close(weight.mean(1), torch.full((50,), 2.5))
    assert weight.std().item() == pytest.approx(0.14, rel=0.05)
    assert wiring["threshold"].mean().item() == pytest.approx(70, abs=1)
    assert wiring["threshold"].std().item() == pytest.approx(2, rel=0.3)
    assert torch.equal(weight, start(rule, 900, 50)["weight"])
    assert not torch.equal(weight, start(rule, 900, 50, seed=1)["weight"])
    assert (wiring["wins"].sum(), wiring["largest"].sum(), wiring["steps"]) == (0, 0, 0)


def test_merge_takes_the_unit_from_where_it_won_most_and_ties_from_the_lowest_stream():
    rule = CompetitiveHebbian(review_wins=0)
    wiring = start(rule, 4, 5)
    wins = [[3, 0, 2, 5, 0], [1, 4, 2, 5, 0], [2, 4, 2, 6, 0]]
    proposal = proposal_of(wins, [10.0, 20.0, 30.0], [1.0, 2.0, 3.0], [5.0, 9.0, 7.0])
    merged = rule.merge(wiring, proposal, Streams(3), 250)
    assert merged["weight"][:, 0].tolist() == [10, 20, 10, 30, 10]
    assert merged["weight"].shape == (5, 4)
    assert merged["threshold"].tolist() == [1, 2, 1, 3, 1]
    assert merged["wins"].tolist() == [6, 8, 6, 16, 0]
    assert merged["largest"].tolist() == [9] * 5
    assert merged["steps"].item() == 750


def test_a_unit_that_won_nowhere_keeps_its_weights_and_threshold():
    rule = CompetitiveHebbian(threshold=15.0, review_interval=10_000)
    wiring = start(rule, 20, 6)
    wiring["threshold"][2] = 1000.0
    proposal, _ = rule.learn(Activity(spikes_of(60, 3, 20)), wiring, {})
    merged = rule.merge(wiring, proposal, Streams(3), 60)
    assert merged["wins"][2] == 0
    assert merged["wins"].sum() > 20
    assert torch.equal(merged["weight"][2], wiring["weight"][2])
    assert merged["threshold"][2] == 1000


@pytest.mark.parametrize(
    ("before", "steps", "reviewed"),
    [
        (0, 499, False),
        (0, 500, True),
        (999, 1, True),
        (1000, 499, False),
        (500, 249, False),
        (500, 1500, True),
    ],
)
def test_unused_units_are_reviewed_when_a_multiple_of_the_interval_is_crossed(before, steps, reviewed):
    rule = CompetitiveHebbian(review_interval=1000, review_wins=200)
    wiring = start(rule, 4, 3)
    wiring["steps"] += before
    wiring["wins"] += torch.tensor([150, 199, 200])
    proposal = proposal_of([[49, 1, 0], [0, 0, 0]], [1.0, 1.0], [70.0, 71.0], [40.0, 60.0])
    merged = rule.merge(wiring, proposal, Streams(2), steps)
    assert merged["steps"] == before + 2 * steps
    assert merged["wins"].tolist() == [199, 200, 200]
    assert merged["threshold"].tolist() == [12.0 if reviewed else 70.0, 70.0, 70.0]


def test_largest_response_is_carried_over_rounds():
    rule = CompetitiveHebbian(threshold=1000.0)
    wiring = start(rule, 20, 6)
    wiring["largest"] += 500
    proposal, _ = rule.learn(Activity(spikes_of(30, 2, 20)), wiring, {})
    assert rule.merge(wiring, proposal, Streams(2), 30)["largest"].tolist() == [500] * 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, 0.0) for name in ("learning_rate", "mean_weight", "threshold", "threshold_rate")),
        ("review_interval", 0),
        ("winners", 0),
        *((name, -1.0) for name in ("weight_spread", "threshold_spread", "review_wins", "connected_above")),
    ],
)
def test_errors(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a (finite|whole) number.*got {value}"):
        CompetitiveHebbian(**{name: value})
