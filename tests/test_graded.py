"""Graded values in the place of spikes: linear everywhere, with and without gradients, or refused."""

from functools import partial

import numpy as np
import pytest
import torch
from helpers.kernels import on_both

from lightning_snn import (
    STDP,
    AntiHebbian,
    Columns,
    CompetitiveHebbian,
    CompetitiveSTDP,
    Conv2d,
    Dense,
    FirstSpikeSTDP,
    GainControl,
    Izhikevich,
    LateralKernel,
    Local,
    OneToOne,
    PairSTDP,
    Pool2d,
    PostsynapticSTDP,
    Relay,
    RewardSTDP,
    RoundFields,
    Square,
    TripletSTDP,
)
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.ops import backend
from lightning_snn.ops.event_sum import event_sum
from lightning_snn.plasticity import Activity

SHEET = Square(36, side=6.0)
PROJECTIONS = {
    "dense": partial(Dense, 36, 8),
    "dense with a rule": partial(Dense, 36, 8, rule=STDP()),
    "local": partial(Local, 36, 36, radius=2.0, below=SHEET, here=SHEET),
    "columns": partial(Columns, 36, 8, fields=RoundFields(2.0, 4), below=SHEET),
    "conv": partial(Conv2d, 36, 2 * 16, in_shape=(1, 6, 6), kernel_size=3),
    "sum": lambda **_: Pool2d(36, 9, in_shape=(1, 6, 6), kernel_size=2, mode="sum"),
    "one to one": lambda **_: OneToOne(36, 36, gain=2.0),
    "mean": lambda **_: Pool2d(36, 9, in_shape=(1, 6, 6), kernel_size=2, mode="mean"),
}
BACKENDS = ("reference", "numba")


def graded(*shape, seed=0, low=-2.0, high=2.0):
    """A third silent, a third spikes, a third anything between."""
    generator = torch.Generator().manual_seed(seed)
    values = low + (high - low) * torch.rand(shape, generator=generator)
    kind = torch.randint(0, 3, shape, generator=generator)
    return torch.where(kind == 0, 0.0, torch.where(kind == 1, 1.0, values))


@pytest.mark.parametrize("trainable", [False, True])
def test_dense_is_the_matrix_product(trainable):
    projection = Dense(3, 2, trainable=trainable)
    spikes = torch.tensor([0.25, 0.0, 2.0])
    for current in on_both(lambda: projection(spikes)):
        torch.testing.assert_close(current, spikes @ projection.weight.t())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("make", PROJECTIONS.values(), ids=PROJECTIONS)
def test_projections_are_linear_with_and_without_gradients(make, dtype):
    projection = make().to(dtype)
    one, other = graded(5, 3, 36).to(dtype), graded(5, 3, 36, seed=1).to(dtype)
    with_gradient = projection(one.clone().requires_grad_()).detach()
    for current, total, second in on_both(
        lambda: [projection(x) for x in (one, 0.5 * one - 3 * other, other)]
    ):
        torch.testing.assert_close(current, with_gradient)
        torch.testing.assert_close(total, 0.5 * current - 3 * second, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("per_sample", [False, True])
def test_sums_are_those_of_an_ordered_loop_whatever_the_split(per_sample):
    spikes = graded(7, 60)
    rows = torch.randn((7, 60, 13) if per_sample else (60, 13), generator=torch.Generator().manual_seed(1))
    expected = np.zeros((7, 13), np.float32)
    for b in range(7):
        for n in range(60):
            if spikes[b, n] != 0:
                row = (rows[b] if per_sample else rows)[n]
                expected[b] += spikes[b, n].numpy() * row.numpy()
    found = event_sum(spikes, rows)
    assert np.array_equal(found.numpy(), expected)
    for part in (1, 3):
        own = rows.split(part) if per_sample else [rows] * 7
        pieces = [event_sum(s, r) for s, r in zip(spikes.split(part), own, strict=False)]
        assert torch.equal(torch.cat(pieces), found)
    with backend.use("reference"):
        torch.testing.assert_close(event_sum(spikes, rows), found)


@pytest.mark.parametrize("storage", ["dense", "mesh"])
def test_lateral_coupling_is_linear(storage):
    coupling = LateralKernel(inhibition_range=3.0, storage=storage).couple(SHEET)
    unit = coupling(torch.eye(36))
    spikes = graded(4, 36)
    for current in on_both(lambda: coupling(spikes)):
        torch.testing.assert_close(current, spikes @ unit, rtol=1e-4, atol=1e-4)


def test_a_sheet_takes_graded_first_spikes_and_analogue_neurons_send_theirs():
    coupling = LateralKernel(inhibition_range=3.0).matrix(SHEET)
    neuron, noise = Izhikevich(), 5 * graded(3, 2, 36)
    start, first = neuron.rest(2, 36, noise), graded(2, 36, seed=1)
    moved = noise.clone()
    moved[0] += first @ coupling
    expected, _ = neuron.scan_sheet(moved, start, torch.zeros(2, 36), coupling)
    for spikes, _ in on_both(lambda: neuron.scan_sheet(noise, start, first, coupling)):
        assert torch.equal(spikes, expected)
    layer = SpikingLayer(SHEET, Relay(), lateral=LateralKernel(inhibition_range=3.0))
    network = SpikingNetwork({"sheet": layer})
    coupling = network.projections["sheet_lateral"].rows
    found = network(noise)[0]["sheet"]
    torch.testing.assert_close(found[1], noise[1] + noise[0] @ coupling, rtol=1e-4, atol=1e-4)


def test_stdp_integrates_graded_spikes():
    rule = STDP(tau_mem=1e9)
    wiring = rule.initial(4, 3, torch.Generator().manual_seed(0))
    spikes = torch.zeros(1, 1, 4)
    spikes[0, 0, 2] = 0.25
    for _, stream in on_both(lambda: rule.learn(Activity(spikes), wiring, rule.open(wiring, 1))):
        torch.testing.assert_close(stream["v"][0], 0.25 * wiring["weight"][:, 2])
        assert stream["pre_trace"][0].tolist() == [0, 0, 0.25, 0]


def test_stdp_depresses_in_proportion():
    rule = STDP(threshold=0.1, threshold_jump=0.0, learning_rate=0.0, pair_depression=0.1)
    wiring = rule.initial(4, 1, torch.Generator().manual_seed(0))

    def lost(value):
        spikes = torch.zeros(2, 1, 4)
        spikes[0] = 1.0  # the unit spikes
        spikes[1, 0, 2] = value
        found = on_both(lambda: rule.learn(Activity(spikes), wiring, rule.open(wiring, 1))[0]["weight"])
        assert torch.equal(*found)
        return (wiring["weight"][0] - found[1][0, :, 0]).tolist()

    assert lost(0.25)[2] == pytest.approx(0.25 * lost(1.0)[2], rel=1e-5)
    assert lost(1.0)[2] > 0


RULES = {
    "stdp": (STDP(threshold=1.0), 1.0),
    "competitive": (CompetitiveHebbian(threshold=5.0, threshold_spread=0.1), 3.0),
    "competitive stdp": (CompetitiveSTDP(), 3.0),
}


@pytest.mark.parametrize("kind", RULES)
def test_rules_that_take_graded_spikes_are_the_same_on_every_backend(kind):
    rule, high = RULES[kind]
    wiring = rule.initial(30, 5, torch.Generator().manual_seed(0))
    spikes = graded(40, 2, 30, low=0.0, high=high)
    one, other = on_both(lambda: rule.learn(Activity(spikes), wiring, rule.open(wiring, 2)))
    assert one[0]["spikes"].sum() > (1 if kind == "competitive stdp" else 10)  # a stream has one winner
    for name, value in one[0].items():
        torch.testing.assert_close(other[0][name], value)


@pytest.mark.parametrize("rule", [PairSTDP(), TripletSTDP(), RewardSTDP()])
def test_rules_of_pairs_count_graded_spikes_in_proportion(rule):
    wiring = rule.initial(6, 4, torch.Generator().manual_seed(0))
    spikes, post = (graded(12, 2, n, low=0.0).clamp_max(1).round() for n in (6, 4))
    reward = torch.ones(2)

    def sums(scale):
        activity = Activity(scale * spikes, post, reward=reward)
        return rule.learn(activity, wiring, rule.open(wiring, 2))[0]

    once, half = sums(1.0), sums(0.5)
    for name in set(once) - {"spikes"}:
        torch.testing.assert_close(half[name], 0.5 * once[name])


REFUSING = {
    "stdp": (STDP(), r"spikes \(pre\) must lie between 0 and 1 for STDP, got values from 0 to 2"),
    "first": (FirstSpikeSTDP(threshold=3.0), r"spikes \(pre\) must be 0 or 1 for FirstSpikeSTDP"),
    "anti": (AntiHebbian(), r"spikes \(pre\) must be 0 or 1 for AntiHebbian"),
    "postsynaptic": (PostsynapticSTDP(), r"spikes \(pre\) must be 0 or 1 for PostsynapticSTDP"),
    "nearest": (PairSTDP(pairing="nearest"), r"spikes \(pre\) must be 0 or 1 for PairSTDP"),
    "triplet": (TripletSTDP(pairing="nearest"), r"spikes \(pre\) must be 0 or 1 for TripletSTDP"),
}
NEGATIVE = {
    "competitive": CompetitiveHebbian(),
    "competitive stdp": CompetitiveSTDP(),
    "pair": PairSTDP(),
    "reward": RewardSTDP(),
}


@pytest.mark.parametrize("kind", REFUSING)
def test_other_rules_refuse_graded_spikes(kind):
    rule, message = REFUSING[kind]
    wiring = rule.initial(6, 6, torch.Generator())
    spikes = torch.zeros(5, 2, 6)
    spikes[0, 0, 0] = 2.0
    with pytest.raises(ValueError, match=message):
        rule.learn(Activity(spikes, (spikes > 0).float()), wiring, rule.open(wiring, 2))


@pytest.mark.parametrize("kind", NEGATIVE)
def test_no_rule_takes_negative_spikes(kind):
    rule = NEGATIVE[kind]
    wiring = rule.initial(6, 6, torch.Generator())
    spikes = -torch.ones(5, 2, 6)
    with pytest.raises(ValueError, match=r"spikes \(pre\) must be 0 or above for \w+, got .* -1 to -1"):
        rule.learn(Activity(spikes, spikes), wiring, rule.open(wiring, 2))


def test_pooling_the_first_spike_refuses_graded_values():
    pool = Pool2d(36, 9, in_shape=(1, 6, 6), kernel_size=2)
    with pytest.raises(
        ValueError, match=r"spikes must be 0 or 1 for mode 'first', .* got values from 0 to 0.5"
    ):
        pool(0.5 * (graded(4, 2, 36) == 1))


ROUNDS = [
    STDP(threshold=1.0), CompetitiveHebbian(threshold=1.0), PairSTDP(delay=2.0), TripletSTDP(),
    PostsynapticSTDP(), RewardSTDP(), AntiHebbian(), GainControl(),
]  # fmt: skip


@pytest.mark.parametrize("kind", [type(rule) for rule in ROUNDS])
def test_a_changed_dt_acts_in_every_rule(kind):
    competes = kind in (STDP, CompetitiveHebbian)
    options = {"threshold": 1.0} if competes else {"delay": 2.0} if kind is PairSTDP else {}
    pre, post = (torch.rand(40, 2, 6, generator=torch.Generator().manual_seed(s)).round() for s in (0, 1))
    found = []
    for rule in (kind(dt=0.5, **options), kind(**options), kind(**options)):
        if len(found) == 1:
            rule.dt = 0.5
        wiring = rule.initial(6, 6, torch.Generator().manual_seed(0))
        proposal, _ = rule.learn(Activity(pre, post, reward=torch.ones(2)), wiring, rule.open(wiring, 2))
        found.append(proposal[next(iter(set(proposal) - {"spikes"}))])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[1], found[2])
