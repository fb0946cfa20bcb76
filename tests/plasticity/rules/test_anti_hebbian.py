import pytest
import torch
from helpers.processes import on_processes
from helpers.tensors import rand, spikes_of

from lightning_snn.plasticity import Activity, AntiHebbian, Streams
from lightning_snn.plasticity.rules.anti_hebbian import coactive_bins
from lightning_snn.synapses import Dense


def learn(rule, wiring, post, streams=None):
    proposal, _ = rule.learn(Activity(post, post), wiring, rule.open(wiring, post.shape[1]))
    return rule.merge(wiring, proposal, streams or Streams(post.shape[1]), len(post))


def test_it_equals_a_loop_over_bins():
    rule = AntiHebbian(0.1, activity=0.4, bin_time=4.0, dt=2.0, w_max=5.0)
    post, start = spikes_of(20, 3, 5), rand(5, 5)
    expected = start.clone()
    for i in range(5):
        for j in range(5):
            for row in range(3):
                for first in range(0, 20, 2):
                    active = post[first : first + 2, row].amax(0)
                    expected[i, j] += 0.1 * (active[i] * active[j] - 0.4**2).item() / 3
    found = learn(rule, {"weight": start, "other": post}, post)
    assert found["other"] is post
    expected = expected.clamp(0, 5).fill_diagonal_(0)
    assert (expected > start).any()
    assert (expected < start).sum() > 5
    torch.testing.assert_close(found["weight"], expected)
    assert torch.equal(found["weight"].diagonal(), torch.zeros(5))


def run_units(weight, drive, generator):
    """Threshold units that inhibit each other; they decide one after another, in a random order."""
    steps, rows, units = drive.shape
    found = torch.zeros(steps, rows, units)
    for t in range(steps):
        for unit in torch.randperm(units, generator=generator).tolist():
            inhibition = found[t] @ weight[unit]
            found[t, :, unit] = (drive[t, :, unit] - inhibition > 1).float()
    return found


def test_correlated_units_become_decorrelated():
    generator = torch.Generator().manual_seed(0)
    rule = AntiHebbian(0.03, activity=0.15, bin_time=1.0)
    wiring = rule.initial(4, 4, generator)
    of_pairs = []
    for _ in range(100):
        common, own = (torch.randn(20, 50, n, generator=generator) for n in (2, 4))
        post = run_units(wiring["weight"], common.repeat_interleave(2, 2) + 0.4 * own, generator)
        wiring = learn(rule, wiring, post)
        of_pairs.append(torch.corrcoef(post.flatten(0, 1).t()))
    before, after = of_pairs[0], torch.stack(of_pairs[-10:]).mean(0)
    for i, j in ((0, 1), (2, 3)):
        assert before[i, j] > 0.5
        assert abs(after[i, j]) < 0.15
        assert wiring["weight"][i, j] > 0.3
    assert wiring["weight"][:2, 2:].max() < 0.1


@pytest.mark.parametrize("sizes", [[2, 2], [1, 3]])
def test_it_learns_the_same_on_any_number_of_processes(sizes):
    rule, post = AntiHebbian(activity=0.3), spikes_of(60, 4, 6)
    wiring = {"weight": rand(6, 6)}

    def run(streams):
        return learn(rule, wiring, post[:, streams.first : streams.first + streams.count], streams)["weight"]

    whole = run(Streams(4))
    for part in on_processes(sizes, run):
        assert torch.equal(part, whole)
    assert not torch.equal(whole, wiring["weight"])


def test_weights_start_at_0_and_stay_within_bounds():
    rule, post = AntiHebbian(10.0, activity=0.5, w_max=2.0), torch.zeros(10, 1, 3)
    post[:, :, :2] = 1
    wiring = rule.initial(3, 3, torch.Generator())
    assert not wiring["weight"].any()
    assert learn(rule, wiring, post)["weight"].tolist() == [[0, 2, 0], [2, 0, 0], [0, 0, 0]]


def test_counts_and_wins():
    post = spikes_of(30, 2, 4)
    proposal, _ = AntiHebbian().learn(Activity(post, post), {}, {})
    assert torch.equal(proposal["spikes"], post.sum(0))
    assert torch.equal(proposal["together"], coactive_bins(post, 10))
    assert proposal["together"].max() <= 6


def test_the_last_bin_of_a_chunk_may_be_shorter():
    post = torch.zeros(25, 1, 2)
    post[[0, 9, 15, 24], 0, 0] = 1
    post[[3, 21, 22], 0, 1] = 1
    assert coactive_bins(post, 10).tolist() == [[3, 2], [2, 2]]
    rule = AntiHebbian(0.1, activity=0.5)
    assert learn(rule, rule.initial(2, 2, torch.Generator()), post)["weight"][0, 1] == pytest.approx(0.125)


def test_it_is_for_no_projection():
    with pytest.raises(ValueError, match="rule: AntiHebbian is for connections inside a layer"):
        Dense(4, 4, rule=AntiHebbian())


def test_it_needs_equal_sides():
    with pytest.raises(ValueError, match="as many inputs as units, got 3 and 4"):
        AntiHebbian().initial(3, 4, torch.Generator())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(({name: 0.0}, f"{name} must be a finite number above 0") for name in ("w_max", "dt", "bin_time")),
        ({"learning_rate": -1.0}, "learning_rate must be a finite number above 0"),
        ({"activity": 1.5}, "activity must lie between 0 and 1, got 1.5"),
        ({"bin_time": 1.5, "dt": 1.0}, "bin_time must be a whole multiple of dt = 1.0 ms, got 1.5"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        AntiHebbian(**options)
