import pytest
import torch
from helpers.processes import on_processes
from helpers.rules import start
from helpers.tensors import assert_same, randn, spikes_of

from lightning_snn.plasticity import STDP, Activity, CompetitiveHebbian, Streams

OWNER = torch.tensor([3, 0, 2, 2, 1, 0])


def test_one_process_runs_all_streams():
    streams = Streams(4)
    values = randn(4, 5)
    assert list(streams.numbers) == [0, 1, 2, 3]
    assert streams.gather(values) is values
    assert streams.sum(values) is values


def test_a_part_has_the_global_numbers():
    assert list(Streams(8, first=2, count=3).numbers) == [2, 3, 4]


@pytest.mark.parametrize("shape", [(6,), (7, 6)])
def test_select_takes_each_unit_from_its_owner(shape):
    values = randn(4, *shape)
    found = Streams(4).select(values, OWNER)
    expected = torch.stack([values[owner, ..., unit] for unit, owner in enumerate(OWNER.tolist())])
    assert torch.equal(found, expected)


def test_select_in_groups_is_select_in_each():
    values, owners = randn(4, 2, 7, 6), torch.stack([OWNER, OWNER.flip(0)])
    found = Streams(4).select(values, owners)
    each = [Streams(4).select(values[:, g], owners[g]) for g in range(2)]
    assert torch.equal(found, torch.stack(each))


@pytest.mark.parametrize("sizes", [[4], [2, 2], [1, 3], [1, 1, 1, 1]])
def test_parts_add_up_to_the_whole_bit_for_bit(sizes):
    values = randn(4, 7, 6)
    first, total = 0, torch.zeros(6, 7)
    for size in sizes:
        streams = Streams(4, first=first, count=size)
        total = total + streams.select(values[first : first + size], OWNER)
        first += size
    assert torch.equal(total, Streams(4).select(values, OWNER))


def test_select_does_not_modify_its_arguments():
    values, owner = randn(2, 3, 6), OWNER.clone()
    before = values.clone()
    found = Streams(4, first=2, count=2).select(values, owner)
    assert torch.equal(values, before)
    assert torch.equal(owner, OWNER)
    assert torch.equal(found[1], torch.zeros(3))
    found += 1
    assert torch.equal(values, before)


def test_whole_numbers_stay_whole():
    found = Streams(4).select(torch.arange(24).reshape(4, 6), OWNER)
    assert found.tolist() == [18, 1, 14, 15, 10, 5]


@pytest.mark.parametrize("total", [0, -2])
def test_there_is_at_least_one_stream(total):
    with pytest.raises(ValueError, match=f"num_streams must be a whole number above 0, got {total}"):
        Streams(total)


RULES = {
    "competitive": CompetitiveHebbian(threshold=20.0, review_interval=100, review_wins=12),
    "stdp": STDP(threshold=1.0),
}
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def run_rounds(rule, streams, spikes, rounds=3):
    """The wiring after some rounds of this process's part of the activity ``[T, total, N]``."""
    wiring = start(rule, 25)
    state = rule.open(wiring, streams.count)
    for part in spikes[:, streams.first : streams.first + streams.count].chunk(rounds):
        proposal, state = rule.learn(Activity(part), wiring, state)
        wiring = rule.merge(wiring, proposal, streams, len(part))
    return wiring


@every_rule
@pytest.mark.parametrize("sizes", [[2, 2], [1, 3], [1, 1, 1, 1]])
def test_a_rule_learns_the_same_on_any_number_of_processes(rule, sizes):
    spikes = spikes_of(180, 4, 25)
    whole = run_rounds(rule, Streams(4), spikes)
    for part in on_processes(sizes, lambda streams: run_rounds(rule, streams, spikes)):
        assert_same(part, whole)
    assert (whole["weight"] != start(rule, 25)["weight"]).any(1).all()


@every_rule
def test_streams_work_on_copies_of_their_own(rule):
    spikes, wiring = spikes_of(60, 3, 25), start(rule, 25)
    together, _ = rule.learn(Activity(spikes), wiring, rule.open(wiring, 3))
    for s in range(3):
        alone, _ = rule.learn(Activity(spikes[:, s : s + 1]), wiring, rule.open(wiring, 1))
        assert_same({name: value[s : s + 1] for name, value in together.items()}, alone)
    assert not torch.equal(together["weight"][0], together["weight"][1])


@every_rule
@pytest.mark.parametrize("split", [1, 37])
def test_splitting_a_chunk_without_a_merge_changes_nothing(rule, split):
    spikes, wiring = spikes_of(80, 1, 25), start(rule, 25)
    whole, end = rule.learn(Activity(spikes), wiring, rule.open(wiring, 1))
    first, middle = rule.learn(Activity(spikes[:split]), wiring, rule.open(wiring, 1))
    carried = wiring | {n: first[n][0] for n in ("threshold", "largest") if n in first}
    second, last = rule.learn(Activity(spikes[split:]), carried | {"weight": first["weight"][0].t()}, middle)
    second["spikes"] = first["spikes"] + second["spikes"]
    assert whole["spikes"].sum() > 10
    assert_same(second, whole)
    assert_same(last, end)


@every_rule
def test_learn_and_merge_do_not_modify_their_arguments(rule):
    spikes, wiring = spikes_of(60, 2, 25), start(rule, 25)
    state = rule.open(wiring, 2)
    _, state = rule.learn(Activity(spikes), wiring, state)
    before = [{n: v.clone() for n, v in part.items()} for part in (wiring, state, {"spikes": spikes})]
    proposal, _ = rule.learn(Activity(spikes), wiring, state)
    kept = {n: v.clone() for n, v in proposal.items()}
    rule.merge(wiring, proposal, Streams(2), 60)
    for part, copy in zip((wiring, state, {"spikes": spikes}, proposal), (*before, kept), strict=True):
        assert_same(part, copy)
