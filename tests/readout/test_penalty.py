"""Which penalty a readout in closed form chooses."""

import pytest
import torch
from helpers.tensors import randn

from lightning_snn.readout import Ridge, penalty, ridge
from lightning_snn.readout.least_squares import solve_by_samples
from lightning_snn.readout.penalty import by_products, by_samples, least, left_out, ordered

SIZE, CLASSES = 10, 3
CANDIDATES = [0.001, 0.01, 0.1, 1.0, 10.0]


def samples(count, spread, seed=0):
    """Features and targets in float64, in the order of `ordered`; the classes overlap as ``spread`` grows."""
    label = torch.arange(count) % CLASSES
    features = spread * randn(count, SIZE, seed=seed, dtype=torch.float64)
    features[torch.arange(count), label] += 2
    target = torch.eye(CLASSES, dtype=torch.float64)[label]
    order = ordered(features, target)
    return features[order], target[order]


def errors(features, target, folds, standardise):
    """Of each candidate: the squared errors on what is left out, by a plain loop over the samples."""
    found = []
    for candidate in CANDIDATES:
        total = 0.0
        for fold in range(folds):
            rest = [n for n in range(len(features)) if n % 5 != fold]
            weight, bias = solve_by_samples(
                features[rest], target[rest], penalty=candidate, standardise=standardise
            )
            for n in range(fold, len(features), 5):
                total += sum((target[n] - weight @ features[n] - bias) ** 2).item()
        found.append(total)
    return found


def products(features, target):
    both = torch.cat([features, target], 1)
    out = left_out(0, len(both))
    return torch.stack([rows.t() @ rows for rows in (both[out], both[~out])])


@pytest.mark.parametrize("standardise", ["global", "feature"])
@pytest.mark.parametrize(("count", "spread"), [(8, 0.3), (8, 3.0), (31, 1.0), (60, 0.1), (60, 3.0)])
def test_the_penalty_is_that_of_a_search_of_all(count, spread, standardise):
    features, target = samples(count, spread)
    best = by_samples(CANDIDATES, features, target, standardise=standardise)
    found = errors(features, target, 5, standardise)
    assert best == CANDIDATES[found.index(min(found))]


@pytest.mark.parametrize("standardise", ["global", "feature"])
@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0, 10.0])
def test_sums_choose_what_samples_do(spread, standardise, monkeypatch):
    monkeypatch.setattr(penalty, "JUDGED", 1)  # one fold, as where there are many samples
    features, target = samples(50, spread)
    best = by_products(CANDIDATES, products(features, target), SIZE, standardise=standardise)
    found = errors(features, target, 1, standardise)
    assert best == CANDIDATES[found.index(min(found))]
    assert best == by_samples(CANDIDATES, features, target, standardise=standardise)


def test_the_more_the_classes_overlap_the_larger_it_is():
    chosen = [by_samples(CANDIDATES, *samples(30, spread), standardise="global") for spread in (0.1, 1, 10)]
    assert chosen == sorted(chosen)
    assert chosen[0] < chosen[-1]


def test_folds_are_the_same_in_any_order_and_each_has_every_class():
    features, target = samples(30, 1.0)
    other = torch.randperm(30)
    assert torch.equal(features[other][ordered(features[other], target[other])], features)
    for fold in range(5):
        assert target[left_out(0, 30, fold)].sum(0).tolist() == [2, 2, 2]


@pytest.mark.parametrize("count", [1, 4])
def test_where_none_can_be_left_out_it_is_the_largest(count):
    assert by_samples(CANDIDATES, *samples(count, 1.0), standardise="global") == CANDIDATES[-1]


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_least_finds_the_bottom_wherever_it_is(count):
    for bottom in range(count):
        asked = []

        def error(candidate, bottom=bottom, asked=asked):
            asked.append(candidate)
            return abs(candidate - bottom)

        assert least(range(count), error) == bottom
        assert len(set(asked)) == len(asked)


def learned(features, target, **options):
    readout = Ridge(SIZE, CLASSES, **options).double()
    for part in zip(features.split(7), target.argmax(1).split(7), strict=True):
        readout.learn(*part, combine=lambda values: values)
    return readout


@pytest.mark.parametrize("block", [20, 1024])
@pytest.mark.parametrize("spread", [0.1, 3.0])
def test_the_readout_learns_with_the_penalty_that_was_chosen(block, spread, monkeypatch):
    monkeypatch.setattr(ridge, "BLOCK", block)
    features, target = samples(60, spread)
    found = errors(features, target, 1 if block == 20 else 5, "feature")
    best = CANDIDATES[found.index(min(found))]
    several = learned(features, target, penalty=CANDIDATES, standardise="feature")
    alone = learned(features, target, penalty=best, standardise="feature")
    assert torch.equal(several(features), alone(features))
    others = [learned(features, target, penalty=p, standardise="feature") for p in CANDIDATES if p != best]
    assert not any(torch.equal(several(features), other(features)) for other in others)


def test_samples_of_which_sums_are_kept_are_left_out_by_their_number(monkeypatch):
    monkeypatch.setattr(ridge, "BLOCK", 16)
    features, target = samples(60, 1.0)
    readout = learned(features, target)
    torch.testing.assert_close(readout._all_products(), products(features, target))


def test_the_order_of_samples_does_not_matter():
    given = samples(10, 1.0)
    torch.manual_seed(0)
    for other in (torch.randperm(10) for _ in range(10)):
        best = by_samples(CANDIDATES, *(values[other] for values in given), standardise="global")
        assert best == by_samples(CANDIDATES, *given, standardise="global")
