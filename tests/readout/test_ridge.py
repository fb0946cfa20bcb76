import threading

import pytest
import torch
from helpers.processes import on_processes
from helpers.tensors import assert_equal, rand, randn

from lightning_snn.readout import Ridge, ridge
from lightning_snn.readout.least_squares import solve_by_products, solve_by_samples

SIZE, CLASSES = 12, 3


def samples(count, seed=0, dtype=torch.float32):
    """Features of very different means and variances, and labels that they tell something about."""
    label = torch.arange(count) % CLASSES
    features = randn(count, SIZE, seed=seed, dtype=torch.float64)
    features[torch.arange(count), label] += 2
    return (5 + features * torch.linspace(0.1, 4, SIZE)).to(dtype), label


def learned(features, label, *, batch=7, **options):
    readout = Ridge(SIZE, CLASSES, **options).to(features.dtype)
    for part in zip(features.split(batch), label.split(batch), strict=True):
        readout.learn(*part, combine=lambda values: values)
    return readout


def by_lstsq(features, label, *, penalty, standardise):
    """Weights and biases for the features as they are, the penalty as further samples."""
    x, y = features.double(), torch.eye(CLASSES, dtype=torch.float64)[label]
    variance = x.var(0, correction=0)
    scale = (variance.mean() if standardise == "global" else variance + 1e-3 * variance.mean()).sqrt()
    z, average = (x - x.mean(0)) / scale, y.mean(0)
    further = (len(x) * penalty) ** 0.5 * torch.eye(SIZE, dtype=torch.float64)
    left = torch.cat([z, further])
    right = torch.cat([y - average, torch.zeros(SIZE, CLASSES, dtype=torch.float64)])
    weight = (torch.linalg.lstsq(left, right).solution / scale.reshape(-1, 1)).t()
    return weight, average - weight @ x.mean(0)


@pytest.mark.parametrize("standardise", ["global", "feature"])
@pytest.mark.parametrize("count", [5, SIZE, 60])
@pytest.mark.parametrize("penalty", [1e-3, 0.3])
def test_the_weights_are_those_of_a_direct_solution(count, penalty, standardise, monkeypatch):
    monkeypatch.setattr(ridge, "BLOCK", 20)  # of 60 samples some are sums, some are kept
    features, label = samples(count, dtype=torch.float64)
    options = {"penalty": penalty, "standardise": standardise}
    readout = learned(features, label, **options)
    scores = readout(features)
    weight, bias = by_lstsq(features, label, **options)
    torch.testing.assert_close(readout.weight.detach(), weight)
    torch.testing.assert_close(readout.bias.detach(), bias)
    torch.testing.assert_close(scores, features @ weight.t() + bias)
    assert (len(readout.products) > 0) == (count == 60)
    assert 0 < len(readout._kept()) < 20 or count < 60


@pytest.mark.parametrize("standardise", ["global", "feature"])
@pytest.mark.parametrize("count", [5, 40])
def test_samples_and_sums_of_their_products_give_the_same(count, standardise):
    features, label = samples(count, dtype=torch.float64)
    target, options = torch.eye(CLASSES).double()[label], {"penalty": 0.1, "standardise": standardise}
    both = torch.cat([features, target], 1)
    one = solve_by_samples(features, target, **options)
    other = solve_by_products(both.t() @ both, SIZE, **options)
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b)


def test_it_tells_classes_apart_that_features_tell():
    readout = learned(*samples(200), standardise="feature")
    features, label = samples(200, seed=1)
    assert (readout(features).argmax(1) == label).float().mean() > 0.75
    assert readout.weight.grad is None


def test_scores_are_0_before_anything_was_learned_and_follow_all_that_was():
    (features, label), readout = samples(60), Ridge(SIZE, CLASSES)
    assert not readout(features).any()
    for half in (slice(0, 30), slice(30, 60)):
        readout.learn(features[half], label[half], combine=lambda values: values)
        scores = readout(features)
    torch.testing.assert_close(scores, learned(features, label)(features))
    assert not torch.allclose(scores, learned(features[:30], label[:30])(features), atol=1e-3)


@pytest.mark.parametrize("count", [5, 60])
def test_samples_seen_twice_change_nothing(count):
    features, label = samples(count)
    once = learned(features, label, penalty=0.1)  # of several, doubles of what is left out would tell
    twice = learned(features.repeat(2, 1), label.repeat(2), batch=count, penalty=0.1)
    torch.testing.assert_close(twice(features), once(features))
    again = learned(features, label, penalty=0.1)
    again.end_epoch()
    for part in zip(features.split(7), label.split(7), strict=True):
        again.learn(*part, combine=lambda values: values)
    assert torch.equal(again(features), once(features))


@pytest.mark.parametrize("count", [5, 60])
def test_what_is_saved_in_the_midst_goes_on_to_the_same_bits(count, monkeypatch):
    monkeypatch.setattr(ridge, "BLOCK", 20)
    features, label = samples(count)
    whole, first, second = learned(features, label), learned(features[:-2], label[:-2]), Ridge(SIZE, CLASSES)
    first(features)  # as a validation would
    second.load_state_dict(first.state_dict())
    assert torch.equal(second(features), first(features))
    second.learn(features[-2:], label[-2:], combine=lambda values: values)
    first.learn(features[-2:], label[-2:], combine=lambda values: values)
    assert torch.equal(second(features), first(features))
    torch.testing.assert_close(second(features), whole(features))


def test_what_is_saved_at_the_end_of_an_epoch_are_the_weights():
    features, label = samples(60)
    first, second = learned(features, label), learned(features[:9], label[:9])
    first.end_epoch()
    state = first.state_dict()
    assert sum(value.numel() for value in state.values()) == CLASSES * (SIZE + 1)
    second.load_state_dict(state)
    assert torch.equal(second(features), first(features))
    torch.testing.assert_close(second(features), learned(features, label)(features))


@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.parametrize("block", [20, 1024])
def test_any_number_of_processes_gives_the_same_bits(processes, block, monkeypatch):
    """They take the samples of a batch in turn, as the loaders hand them out."""
    monkeypatch.setattr(ridge, "BLOCK", block)
    features, label = samples(64)
    own = threading.local()
    monkeypatch.setattr(ridge, "_own_number", lambda: (own.process, processes))

    def run(streams):
        own.process, readout = streams.first, Ridge(SIZE, CLASSES)
        for batch in range(0, 64, 7):
            mine = slice(batch + streams.first, min(batch + 7, 64), processes)
            readout.learn(features[mine], label[mine], combine=streams.sum)
        own.process = None  # scores need nobody else
        return readout(features), readout._all_products()

    found = on_processes([1] * processes, run)
    monkeypatch.setattr(ridge, "_own_number", lambda: (0, 1))
    alone = learned(features, label, batch=7)
    for values in found:
        assert_equal(values, [alone(features), alone._all_products()])


def test_processes_with_unequal_shares_learn_the_same(monkeypatch):
    features, label = samples(20)
    own = threading.local()
    monkeypatch.setattr(ridge, "_own_number", lambda: (own.process, 2))

    def run(streams):
        own.process, readout = int(streams.first > 0), Ridge(SIZE, CLASSES)
        for first, count in ((0, 8), (8, 8)):  # 1 and 7 of 8, then 7 and 1
            split = first + (1 if first == 0 else 7)
            mine = slice(split, first + count) if own.process else slice(first, split)
            readout.learn(features[mine], label[mine], combine=streams.sum)
        own.process = None
        return readout(features)

    one, other = on_processes([1, 1], run)
    assert torch.equal(one, other)
    monkeypatch.setattr(ridge, "_own_number", lambda: (0, 1))
    torch.testing.assert_close(one, learned(features[:16], label[:16])(features))


def test_what_is_kept_moves_with_the_module():
    features, label = samples(60)
    readout, expected = learned(features, label).double(), learned(features, label)(features)
    assert readout._kept().dtype == torch.float64
    assert not readout._fresh
    torch.testing.assert_close(readout(features).float(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_under_autocast_all_is_computed_in_full(dtype):
    features, label = samples(60)
    given = features.to(dtype)
    expected, readout = learned(given.float(), label), Ridge(SIZE, CLASSES)
    with torch.autocast("cpu", torch.bfloat16):
        readout.learn(given, label, combine=lambda values: values)
        scores = readout(given)
        readout.end_epoch()
    assert scores.dtype == torch.float32
    torch.testing.assert_close(scores, expected(given.float()))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("block", [20, 1024])
def test_a_module_in_half_precision_solves_in_full(dtype, block, monkeypatch):
    monkeypatch.setattr(ridge, "BLOCK", block)
    features, label = samples(60, dtype=dtype)
    readout, full = learned(features, label), learned(features.float(), label)
    scores = readout(features)
    assert scores.dtype == readout.weight.dtype == dtype
    full(features.float())
    torch.testing.assert_close(readout.weight.detach(), full.weight.detach().to(dtype))


def test_a_batch_without_samples_changes_nothing():
    features, label = samples(9)
    readout, nothing = Ridge(SIZE, CLASSES), (features[:0], label[:0])
    readout.learn(*nothing, combine=lambda values: values)
    assert not readout(features).any()
    readout = learned(features, label)
    readout.learn(*nothing, combine=lambda values: values)
    assert torch.equal(readout(features), learned(features, label)(features))


@pytest.mark.parametrize("features", [torch.zeros(40, SIZE), 3 * torch.ones(1, SIZE), rand(1, SIZE)])
def test_features_that_say_nothing_leave_the_shares_of_the_classes(features):
    label = torch.arange(len(features)) % 2
    expected = torch.tensor([[0.5, 0.5, 0.0]] if len(features) > 1 else [[1.0, 0.0, 0.0]])
    torch.testing.assert_close(learned(features, label)(features[:1]), expected)


def test_a_module_in_double_precision_and_its_copy():
    features, label = samples(60, dtype=torch.float64)
    readout = learned(features, label)
    other = Ridge(SIZE, CLASSES).double()
    other.load_state_dict(readout.state_dict())
    assert other(features).dtype == torch.float64
    assert_equal([other(features)], [readout(features)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"penalty": 0.0}, "penalty must be a finite number above 0, got 0"),
        ({"standardise": "sample"}, "standardise must be one of feature, global, got 'sample'"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        Ridge(SIZE, CLASSES, **options)
