import numpy as np
import pytest
import torch
from helpers.processes import on_processes

from lightning_snn.plasticity import Activity, FirstSpikeSTDP, Streams

PLACES, FAN_IN, UNITS, STEPS = 9, 12, 5, 6
GRID = torch.cartesian_prod(torch.arange(3), torch.arange(3)).float()


def latencies(streams, seed=0, silent=0.3):
    """One spike an input or none ``[T, S * P, F]``."""
    generator = torch.Generator().manual_seed(seed)
    time = torch.randint(0, STEPS, (streams * PLACES, FAN_IN), generator=generator)
    time[torch.rand(time.shape, generator=generator) < silent] = -1
    return (time == torch.arange(STEPS)[:, None, None]).float()


def make(**options):
    return FirstSpikeSTDP(
        **{"potentiation": 0.1, "depression": 0.05, "threshold": 4.0, "winners": 3} | options
    )


def start(rule):
    return rule.initial(FAN_IN, UNITS, torch.Generator().manual_seed(1))


def learn_by_loop(rule, spikes, weight, *, positions):
    """The weights after the images ``[T, S * P, F]``, unit by unit and input by input; and the wins."""
    new, wins = weight.clone().double(), [0] * UNITS
    for image in spikes.reshape(STEPS, -1, PLACES, FAN_IN).unbind(1):
        fired = {}
        for place in range(PLACES):
            for unit in range(UNITS):
                total = 0.0
                for t in range(STEPS):
                    total += sum(weight[unit, j].item() for j in range(FAN_IN) if image[t, place, j])
                    if total >= rule.threshold:
                        fired[place, unit] = (t, -total)
                        break
        first = {
            p: min(((w, u) for (q, u), w in fired.items() if q == p), default=None) for p in range(PLACES)
        }
        queue = sorted(
            (when, place, unit) for place, found in first.items() if found for when, unit in [found]
        )
        chosen = []
        for when, place, unit in queue:
            free = all(
                unit != u
                and (GRID[place] - GRID[p]).abs().max() > (rule.inhibition_radius if positions else -1)
                for _, p, u in chosen
            )
            if free and len(chosen) < rule.winners:
                chosen.append((when, place, unit))
        for (t, _), place, unit in chosen:
            wins[unit] += 1
            for j in range(FAN_IN):
                w = new[unit, j]
                in_time = image[: t + 1, place, j].any()
                new[unit, j] += (rule.potentiation if in_time else -rule.depression) * w * (1 - w)
    return new, wins


@pytest.mark.parametrize("positions", [GRID, None], ids=["grid", "no positions"])
@pytest.mark.parametrize("radius", [0.0, 1.0])
def test_learning_equals_a_loop_over_images_places_units_and_inputs(radius, positions):
    rule = make(inhibition_radius=radius)
    wiring, spikes = start(rule), latencies(7)
    proposal, _ = rule.learn(Activity(spikes, None, PLACES, positions=positions), wiring, {})
    merged = rule.merge(wiring, proposal, Streams(7).rows(PLACES), STEPS)
    weight, wins = learn_by_loop(rule, spikes, wiring["weight"], positions=positions is not None)
    assert 7 < sum(wins) <= 21
    assert proposal["spikes"].sum(0).tolist() == wins
    np.testing.assert_allclose(merged["weight"].numpy(), weight.numpy(), rtol=1e-5)


def test_the_winner_is_the_earliest_and_then_the_one_with_the_largest_sum():
    rule = FirstSpikeSTDP(threshold=1.0, winners=1)
    wiring = {
        "weight": torch.tensor([[0.5, 0.5, 0.9], [0.6, 0.6, 0.1]]),
        "threshold": torch.ones(2),
        "threshold_rise": torch.zeros(2),
    }
    both_at_once = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])[:, None]
    assert rule.learn(Activity(both_at_once), wiring, {})[0]["unit"].tolist() == [[1]]
    one_first = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])[:, None]
    proposal, _ = rule.learn(Activity(one_first), wiring, {})
    assert proposal["unit"].tolist() == [[0]]
    assert proposal["in_time"].tolist() == [[[True, False, True]]]


def test_the_changes_of_several_streams_follow_one_another_in_their_order():
    rule = FirstSpikeSTDP(0.5, 0.25, threshold=0.5, winners=1)
    wiring = {
        "weight": torch.tensor([[0.6]]),
        "threshold": torch.full((1,), 0.5),
        "threshold_rise": torch.zeros(1),
    }
    proposal, _ = rule.learn(Activity(torch.ones(1, 3, 1)), wiring, {})
    expected = 0.6
    for _ in range(3):
        expected += 0.5 * expected * (1 - expected)
    assert rule.merge(wiring, proposal, Streams(3), 1)["weight"].item() == pytest.approx(expected)


def test_nobody_wins_in_silence():
    rule = make()
    wiring = start(rule)
    proposal, _ = rule.learn(
        Activity(torch.zeros(STEPS, PLACES, FAN_IN), None, PLACES, positions=GRID), wiring, {}
    )
    assert not proposal["spikes"].any()
    assert torch.equal(rule.merge(wiring, proposal, Streams(PLACES), STEPS)["weight"], wiring["weight"])


def test_winning_raises_a_units_own_threshold_and_lowers_the_others():
    rule = make(win_cost=0.5, winners=2)
    wiring = start(rule)
    proposal, _ = rule.learn(Activity(latencies(3), None, PLACES, positions=GRID), wiring, {})
    wins = proposal["spikes"].sum(0).float()
    merged = rule.merge(wiring, proposal, Streams(3 * PLACES), STEPS)
    assert len(wins.unique()) > 1
    torch.testing.assert_close(merged["threshold"], 4 + 0.5 * (wins - wins.mean()))
    higher = {**wiring, "threshold": torch.where(wins > 0, 1000.0, wiring["threshold"])}
    again, _ = rule.learn(Activity(latencies(3), None, PLACES, positions=GRID), higher, {})
    assert not (again["spikes"].sum(0) * wins).any()


def test_repeated_images_are_learned_until_the_weights_are_0_or_1():
    rule = make(winners=1, threshold=2.0, potentiation=0.2, depression=0.2)
    wiring, spikes = start(rule), latencies(1, silent=0.5)
    before = rule.convergence(wiring)
    for _ in range(200):
        proposal, _ = rule.learn(Activity(spikes, None, PLACES, positions=GRID), wiring, {})
        wiring = rule.merge(wiring, proposal, Streams(PLACES), STEPS)
    winner = proposal["unit"].item()
    row = wiring["weight"][winner]
    assert (row * (1 - row)).mean() < 0.01 < before
    assert torch.equal(row > 0.5, proposal["in_time"][0, 0])
    assert rule.convergence(wiring) < before


def test_each_units_threshold_moves_until_it_fires_at_the_given_share_of_the_places():
    rule = make(potentiation=1e-6, depression=1e-6, fire_share=0.2, threshold_rate=0.05)
    wiring = start(rule)
    wiring["weight"] = 0.2 + 0.7 * torch.rand(UNITS, FAN_IN, generator=torch.Generator().manual_seed(2))
    wiring["weight"][0] *= 0.3
    for seed in range(200):
        activity = Activity(latencies(4, seed=seed), None, PLACES, positions=GRID)
        proposal, _ = rule.learn(activity, wiring, {})
        wiring = rule.merge(wiring, proposal, Streams(4 * PLACES), STEPS)
    sums = latencies(100, seed=999).sum(0) @ wiring["weight"].t()
    share = (sums >= 1 + wiring["threshold_rise"]).float().mean(0)
    assert share.tolist() == pytest.approx([0.2] * UNITS, abs=0.06)
    assert wiring["threshold_rise"][0] < wiring["threshold_rise"][1:].min() - 0.5


@pytest.mark.parametrize("sizes", [[2, 2], [1, 3]])
def test_it_learns_the_same_on_any_number_of_processes(sizes):
    rule = make()

    def run(streams):
        wiring, rows = start(rule), streams.rows(PLACES)
        for seed in range(4):
            part = latencies(4, seed=seed)[:, rows.first : rows.first + rows.count]
            proposal, _ = rule.learn(Activity(part, None, PLACES, positions=GRID), wiring, {})
            wiring = rule.merge(wiring, proposal, rows, STEPS)
        return wiring

    whole = run(Streams(4))
    assert not torch.equal(whole["weight"], start(rule)["weight"])
    for part in on_processes(sizes, run):
        assert torch.equal(part["weight"], whole["weight"])
        assert torch.equal(part["threshold_rise"], whole["threshold_rise"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0.0}, "threshold must be a finite number above 0, got 0"),
        ({"potentiation": -1.0}, "potentiation must be a finite number above 0, got -1"),
        ({"winners": 0}, "winners must be a whole number above 0, got 0"),
        ({"fire_share": 1.5}, "fire_share must lie between 0 and 1, got 1.5"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)
