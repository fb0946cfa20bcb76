import math
import statistics

import pytest
import torch

from lightning_snn import metrics
from lightning_snn.metrics import functional as fn

NEURONS = 5


def spikes(seed=0, steps=60, samples=2):
    """Poisson neurons of several rates, one that is silent and one that is a clock."""
    generator = torch.Generator().manual_seed(seed)
    found = torch.rand(steps, samples, NEURONS, generator=generator) < torch.tensor([0.2, 0.0, 0.4, 0.1, 0.0])
    found[::4, :, 4] = True
    return found.float()


def intervals(found, dt):
    """By neuron, in a plain loop."""
    times = [[[] for _ in range(NEURONS)] for _ in range(found.shape[1])]
    for step, samples in enumerate(found.tolist()):
        for sample, row in enumerate(samples):
            for neuron, fired in enumerate(row):
                if fired:
                    times[sample][neuron].append(step * dt)
    return [
        [
            later - earlier
            for sample in times
            for earlier, later in zip(sample[n], sample[n][1:], strict=False)
        ]
        for n in range(NEURONS)
    ]


def counts(found, steps):
    """Counts by neuron of the windows of all samples, in a plain loop."""
    rows = [[] for _ in range(NEURONS)]
    for sample in range(found.shape[1]):
        for first in range(0, len(found) - steps + 1, steps):
            for neuron in range(NEURONS):
                rows[neuron].append(sum(found[t, sample, neuron].item() for t in range(first, first + steps)))
    return rows


def correlation(rows):
    """Mean over the pairs whose counts change."""
    rows = [row for row in rows if len(set(row)) > 1]
    pairs = [(a, b) for i, a in enumerate(rows) for b in rows[:i]]
    return statistics.mean(statistics.correlation(a, b) for a, b in pairs)


def joined(*windows):
    return torch.cat(windows)


CASES = {
    "interval": (
        lambda **more: metrics.InterspikeInterval(NEURONS, dt=0.5, **more),
        lambda x: fn.interspike_intervals(x, dt=0.5).mean(),
    ),
    "cv": (lambda **more: metrics.IntervalCV(NEURONS, **more), lambda x: fn.interval_cv(x).nanmean()),
    "fano": (
        lambda **more: metrics.FanoFactor(NEURONS, window=3.5, dt=0.5, **more),
        lambda x: fn.fano_factor(x, window=3.5, dt=0.5).nanmean(),
    ),
    "correlation": (
        lambda **more: metrics.CountCorrelation(NEURONS, window=2.5, dt=0.5, **more),
        lambda x: fn.count_correlation(x, window=2.5, dt=0.5),
    ),
}


@pytest.fixture(params=CASES, ids=str)
def case(request):
    return CASES[request.param]


def test_intervals_equal_a_plain_loop():
    loop = [interval for row in intervals(spikes(), 0.5) for interval in row]
    assert sorted(fn.interspike_intervals(spikes(), dt=0.5).tolist()) == sorted(loop)
    assert len(loop) > 50


def test_interval_cv_equals_a_plain_loop():
    ratios = fn.interval_cv(spikes()).tolist()
    for found, loop in zip(ratios, intervals(spikes(), 1.0), strict=True):
        if len(loop) < 3:
            assert math.isnan(found)
        else:
            assert found == pytest.approx(statistics.stdev(loop) / statistics.mean(loop), rel=1e-5)
    assert math.isnan(ratios[1])
    assert ratios[4] == 0  # the clock


def test_fano_factor_equals_a_plain_loop():
    for found, row in zip(
        fn.fano_factor(spikes(), window=3.5, dt=0.5).tolist(), counts(spikes(), 7), strict=True
    ):
        if sum(row) == 0:
            assert math.isnan(found)
        else:
            assert found == pytest.approx(statistics.variance(row) / statistics.mean(row), rel=1e-5)


def test_correlation_equals_a_plain_loop():
    found = fn.count_correlation(spikes(), window=2.5, dt=0.5).item()
    assert found == pytest.approx(correlation(counts(spikes(), 5)), rel=1e-5)


def test_poisson_spikes_have_a_cv_and_a_fano_factor_of_one_at_any_step():
    for dt in (1.0, 0.1):
        generator = torch.Generator().manual_seed(1)
        found = (torch.rand(int(20000 / dt), 1, 10, generator=generator) < 0.02 * dt).float()
        assert fn.interval_cv(found).mean().item() == pytest.approx(1, abs=0.05)
        assert fn.fano_factor(found, window=100, dt=dt).mean().item() == pytest.approx(1, abs=0.1)
        assert fn.interspike_intervals(found, dt=dt).mean().item() == pytest.approx(50, rel=0.05)
        assert abs(fn.count_correlation(found, window=20, dt=dt).item()) < 0.01


def test_neurons_that_copy_each_other_correlate():
    one = spikes(steps=200)[:, :, [0]]
    assert fn.count_correlation(one.expand(-1, -1, 3), window=4).item() == pytest.approx(1)


def test_separate_updates_pool_what_each_has(case):
    build, function = case
    parts = [spikes(0, 70, 1), spikes(1, 70, 3)]
    metric = build()
    for part in parts:
        metric.update(part)
    pooled = function(torch.cat(parts, 1)).item()
    assert metric.compute().item() == pytest.approx(pooled, rel=1e-5)


def test_windows_that_continue_equal_the_whole(case):
    build, function = case
    whole = spikes(0, 200)
    metric, apart = build(continues=True), build()
    for window in whole.split([3, 1, 50, 73, 73]):
        metric.update(window)
        apart.update(window)
    assert metric.compute().item() == pytest.approx(function(whole).item(), rel=1e-5)
    assert apart.compute().item() != pytest.approx(function(whole).item(), rel=1e-5)


def test_forward_goes_on_too(case):
    build, function = case
    whole = spikes(0, 200)
    metric = build(continues=True)
    values = [metric(window).item() for window in whole.split([13, 87, 100])]
    assert metric.compute().item() == pytest.approx(function(whole).item(), rel=1e-5)
    assert values[0] == pytest.approx(function(whole[:13]).item(), rel=1e-5, nan_ok=True)


def test_reset_forgets_what_is_open(case):
    build, function = case
    metric = build(continues=True)
    metric.update(spikes(1))
    metric.reset()
    metric.update(spikes(0, samples=3))
    assert metric.compute().item() == pytest.approx(function(spikes(0, samples=3)).item(), rel=1e-5)


def test_processes_are_summed(case):
    build, function = case
    parts = [spikes(0, 70, 1), spikes(1, 70, 3)]
    others = [build(), build()]
    for other, part in zip(others, parts, strict=True):
        other.update(part)
    metric = others[0].clone()
    names = iter(metric.metric_state)  # in this order torchmetrics gathers them

    def gather(*_, **__):
        name = next(names)
        return [getattr(other, name) for other in others]

    metric.dist_sync_fn = gather
    metric.distributed_available_fn = lambda: True
    assert metric.compute().item() == pytest.approx(function(torch.cat(parts, 1)).item(), rel=1e-5)


def test_of_many_neurons_a_sample_correlates():
    generator = torch.Generator().manual_seed(0)
    common = torch.rand(500, 1, 1, generator=generator) < 0.1
    found = (common & (torch.rand(500, 1, 300, generator=generator) < 0.5)).float()
    metric = metrics.CountCorrelation(300, window=10, most=50)
    metric.update(found)
    assert metric.products.shape == (50, 50)
    assert metric.compute().item() == pytest.approx(fn.count_correlation(found, window=10).item(), abs=0.03)
    other = metrics.CountCorrelation(300, most=50, seed=1)
    assert not torch.equal(other.chosen, metric.chosen)


def test_maps_count_as_neurons():
    maps = spikes().view(60, 2, 1, 1, NEURONS)
    torch.testing.assert_close(fn.interval_cv(maps), fn.interval_cv(spikes()), equal_nan=True)
    metric = metrics.FanoFactor(NEURONS)
    metric.update(spikes(steps=300).view(300, 2, 1, 1, NEURONS))
    assert metric.number.tolist() == [6] * NEURONS


def test_errors_say_what_is_wrong():
    with pytest.raises(
        ValueError, match=r"window must be a whole number of steps of dt = 0.4 ms, got 1.0 ms"
    ):
        fn.fano_factor(spikes(), window=1.0, dt=0.4)
    with pytest.raises(ValueError, match="least must be at least 2, as one interval does not vary, got 1"):
        fn.interval_cv(spikes(), least=1)
    with pytest.raises(ValueError, match="most must be at least 2, the neurons of one pair, got 1"):
        metrics.CountCorrelation(4, most=1)
    with pytest.raises(ValueError, match="spikes must be 0 or 1 for the statistics of spikes"):
        fn.interspike_intervals(0.5 * spikes())
    with pytest.raises(ValueError, match=r"spikes must be of 9 neurons \(num_neurons\), got 5"):
        metrics.IntervalCV(9).update(spikes())
    metric = metrics.InterspikeInterval(NEURONS, continues=True)
    metric.update(spikes(samples=2))
    with pytest.raises(ValueError, match=r"go on with the 2 samples .*\(continues\), got 3: call reset\(\)"):
        metric.update(spikes(samples=3))
