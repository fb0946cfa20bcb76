import pytest
import torch
from helpers.processes import on_processes
from helpers.rules import start
from helpers.tensors import rand, spikes_of

from lightning_snn.plasticity import Activity, CompetitiveSTDP, Streams
from lightning_snn.plasticity.groups import stack

NUM_PRE, UNITS, STEPS = 12, 4, 20


def make(**options):
    return CompetitiveSTDP(**{"threshold": 2.0} | options)


def learn(rule, wiring, spikes, streams=None, nodes=None):
    """The wiring after a round of the presentations ``[T, S, N]``, and the proposal."""
    streams = streams or Streams(spikes.shape[1])
    part = spikes[:, streams.first : streams.first + streams.count]
    proposal, _ = rule.learn(Activity(part, nodes=nodes), wiring, {})
    return wiring | rule.merge(wiring, proposal, streams, len(spikes)), proposal


def learn_by_loop(rule, wiring, spikes):
    """Weights, conscience and winners, presentation by presentation, win by win."""
    weight, conscience = wiring["weight"].double(), wiring["conscience"].double()
    seen = [[] for _ in weight]
    winners = []
    for image in spikes.double().unbind(1):
        so_far = image.cumsum(0)
        over = so_far @ weight.t() - rule.threshold * (1 + conscience)
        reached = (over >= 0).any(1).nonzero()
        winners.append(-1)
        if len(reached):
            t = int(reached[0])
            winners[-1] = int(over[t].argmax())
            seen[winners[-1]].append(so_far[t] / so_far[t].norm())
    learned = weight.clone()
    for k, inputs in enumerate(seen):
        for _ in inputs:
            learned[k] += rule.learning_rate * (sum(inputs) / len(inputs) - learned[k])
    wins = torch.tensor([len(inputs) for inputs in seen]).double()
    rise = rule.conscience * (wins - wins.mean()) / spikes.shape[1]
    return learned / learned.norm(dim=1, keepdim=True), (conscience + rise).clamp_min(-0.9), winners


def test_a_round_equals_a_loop_over_presentations_and_wins():
    rule = make(learning_rate=0.2, conscience=0.5)
    wiring = start(rule, NUM_PRE, UNITS)
    for seed in range(5):
        spikes = spikes_of(STEPS, 7, NUM_PRE, seed=seed, share=0.03)
        weight, conscience, winners = learn_by_loop(rule, wiring, spikes)
        after, proposal = learn(rule, wiring, spikes)
        assert proposal["winner"].tolist() == winners
        assert len(set(winners)) > 2
        torch.testing.assert_close(after["weight"].double(), weight, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(after["conscience"].double(), conscience, rtol=1e-5, atol=1e-6)
        wiring = after
    assert wiring["elapsed"] == 5 * 7 * STEPS


def test_weights_start_and_stay_on_the_sphere_and_those_of_who_never_wins_as_they_are():
    rule = make(conscience=0.0)
    wiring = start(rule, NUM_PRE, UNITS)
    first = wiring["weight"].clone()
    wiring["conscience"][2] = 1e6
    for seed in range(30):
        wiring, _ = learn(rule, wiring, spikes_of(STEPS, 4, NUM_PRE, seed=seed, share=0.05))
    assert (wiring["weight"] >= 0).all()
    torch.testing.assert_close(wiring["weight"].norm(dim=1), torch.ones(UNITS))
    assert torch.equal(wiring["weight"][2], first[2])
    assert not torch.isclose(wiring["weight"][[0, 1, 3]], first[[0, 1, 3]]).all(1).any()


def test_the_winner_learns_what_has_spiked_by_then_and_in_proportion():
    rule = CompetitiveSTDP(0.5, threshold=1.0, conscience=0.0)
    spikes = torch.zeros(3, 1, 4)
    spikes[0, 0, 0], spikes[1, 0, 1], spikes[2, 0, 2] = 3.0, 4.0, 9.0
    wiring = start(rule, 4, 1) | {"weight": torch.tensor([[0.0, 1.0, 0.0, 0.0]])}
    after, _ = learn(rule, wiring, spikes)
    towards = torch.tensor([[0.3, 0.9, 0.0, 0.0]])  # half of (0, 1) and half of (0.6, 0.8)
    torch.testing.assert_close(after["weight"], towards / towards.norm())


def test_units_learn_different_patterns_and_share_the_wins():
    rule = CompetitiveSTDP(0.1, threshold=1.0)
    wiring, won = start(rule, NUM_PRE, UNITS), torch.zeros(UNITS)
    for seed in range(150):
        kind = torch.randint(0, 4, (4,), generator=torch.Generator().manual_seed(seed))
        spikes = spikes_of(STEPS, 4, NUM_PRE, seed=seed, share=0.3)
        spikes *= torch.arange(NUM_PRE) // 3 == kind[:, None]
        wiring, proposal = learn(rule, wiring, spikes)
        won += proposal["spikes"].sum(0) * (seed >= 100)
    own = wiring["weight"].reshape(UNITS, 4, 3).square().sum(2)
    assert sorted(own.argmax(1).tolist()) == [0, 1, 2, 3]
    assert own.amax(1).min() > 0.9
    assert won.min() > 0.6 * won.mean()


def test_without_a_conscience_few_units_win_them_all():
    def wins(conscience):
        rule, total = CompetitiveSTDP(threshold=1.0, conscience=conscience), torch.zeros(8)
        wiring = start(rule, NUM_PRE, 8)
        for seed in range(50):
            spikes = spikes_of(STEPS, 4, NUM_PRE, seed=seed, share=0.3) * (torch.arange(NUM_PRE) < 3)
            wiring, proposal = learn(rule, wiring, spikes)
            total += proposal["spikes"].sum(0)
        return total

    assert wins(0.2).min() > 10
    assert wins(0.0).min() < 3


def test_in_silence_nothing_changes_but_time():
    rule = make()
    wiring = start(rule, NUM_PRE, UNITS)
    after, proposal = learn(rule, wiring, torch.zeros(STEPS, 3, NUM_PRE))
    assert not proposal["spikes"].any()
    assert torch.equal(after["weight"], wiring["weight"])
    assert torch.equal(after["conscience"], wiring["conscience"])
    wiring["conscience"][0] = -100.0  # what a file may hold: still nobody wins
    assert learn(rule, wiring, torch.zeros(STEPS, 3, NUM_PRE))[0]["conscience"].min() >= -0.9


def test_the_rate_falls_with_the_time_that_has_passed():
    rule = CompetitiveSTDP(0.4, final_learning_rate=0.1, horizon=1000.0, threshold=1.0, dt=0.5)
    wiring, spikes = start(rule, NUM_PRE, 1), torch.ones(10, 1, NUM_PRE)
    for elapsed, rate in {0.0: 0.4, 500.0: 0.2, 1000.0: 0.1, 9e9: 0.1}.items():
        before = wiring | {"elapsed": torch.tensor(elapsed, dtype=torch.float64)}
        after, _ = learn(rule, before, spikes)
        expected = (1 - rate) * wiring["weight"] + rate / NUM_PRE**0.5
        torch.testing.assert_close(after["weight"], expected / expected.norm())
        assert after["elapsed"] == elapsed + 5


@pytest.mark.parametrize("sizes", [[2, 2], [1, 3]])
def test_it_learns_the_same_on_any_number_of_processes(sizes):
    rule = make(final_learning_rate=0.01, horizon=300.0)
    nodes = torch.tensor([[0, 1, 2, 3, 4, 5], [4, 6, 7, 8, NUM_PRE, NUM_PRE]])

    def run(streams):
        wiring = stack([start(rule, 6, UNITS, seed=g) for g in range(2)])
        wiring["weight"] *= (nodes < NUM_PRE)[:, None]
        for seed in range(4):
            spikes = rand(STEPS, 4, NUM_PRE, seed=seed) * spikes_of(STEPS, 4, NUM_PRE, seed=seed, share=0.3)
            wiring, _ = learn(rule, wiring, spikes, streams, nodes)
        return wiring

    whole = run(Streams(4))
    assert not torch.equal(
        whole["weight"], stack([start(rule, 6, UNITS, seed=g) for g in range(2)])["weight"]
    )
    for part in on_processes(sizes, run):
        for name, value in whole.items():
            assert torch.equal(part[name], value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0.0}, "threshold must be a finite number above 0, got 0"),
        ({"learning_rate": 1.5}, "learning_rate must lie between 0 and 1, got 1.5"),
        ({"final_learning_rate": 0.0}, "final_learning_rate must be a finite number above 0, got 0"),
        ({"conscience": -0.1}, "conscience must be a finite number, 0 or above, got -0.1"),
        ({"horizon": 0}, "horizon must be a finite number above 0, got 0"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)
