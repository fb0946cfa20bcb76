import math

import pytest
import torch

from lightning_snn import metrics
from lightning_snn.geometry import Square, Torus
from lightning_snn.geometry.neighbours import neighbours
from lightning_snn.metrics.functional.clusters import Events, clusters
from lightning_snn.metrics.functional.planes import fit_planes, grouped_median

SIDE = 20.0


def sheet(kind=Square, nodes=900):
    return kind(nodes, side=SIDE, seed=1)


def at(onset, nodes, dt, ms=100.0, samples=1):
    """Spikes ``[T, B, N]`` of some nodes at their onsets in ms, in the first sample."""
    spikes = torch.zeros(round(ms / dt), samples, len(onset))
    spikes[(onset[nodes] / dt).long(), 0, nodes.nonzero()[:, 0]] = 1
    return spikes


def plane_wave(where, *, speed, angle, start=20.0, middle=(10.0, 10.0)):
    """Onsets in ms, and the nodes of a band of 6 x 12 around the middle that it crosses."""
    towards = torch.tensor([math.cos(angle), math.sin(angle)])
    offset = where.displacement(where.positions - torch.tensor(middle))
    along, across = offset @ towards, offset @ torch.tensor([-towards[1], towards[0]])
    return start + (along + 6) / speed, (along.abs() < 6) & (across.abs() < 3)


def plain_clusters(events, place, radius, gap):
    """By a search from spike to spike."""
    spikes = list(zip(*(part.tolist() for part in events), strict=True))
    distance = place.distances()
    free, found = set(range(len(spikes))), []
    while free:
        group, edge = set(), [min(free)]
        while edge:
            here = edge.pop()
            group.add(here)
            free.discard(here)
            sample, node, step = spikes[here]
            edge += [
                other
                for other in free
                if spikes[other][0] == sample
                and abs(spikes[other][2] - step) <= gap
                and distance[node, spikes[other][1]] < radius
            ]
        found.append(group)
    return {frozenset(group) for group in found}


@pytest.mark.parametrize("kind", [Square, Torus])
def test_clusters_equal_a_plain_search(kind):
    place = sheet(kind, 120)
    generator = torch.Generator().manual_seed(0)
    spikes = (torch.rand(60, 2, 120, generator=generator) < 0.02).float()
    events = Events.of(spikes)
    label = clusters(events, neighbours(place, 2.5), gap=3)
    found = {frozenset((label == number).nonzero()[:, 0].tolist()) for number in label.unique()}
    assert found == plain_clusters(events, place, 2.5, 3)
    assert 10 < len(found) < len(label) / 1.5
    first = [events.step[label == number].min().item() for number in range(len(found))]
    assert first == sorted(first)


def test_blocks_of_pairs_change_nothing(monkeypatch):
    place = sheet(nodes=300)
    spikes = (torch.rand(80, 2, 300, generator=torch.Generator().manual_seed(2)) < 0.03).float()
    whole = metrics.find_waves(spikes, place, radius=1.5)
    monkeypatch.setattr("lightning_snn.metrics.functional.clusters.PAIRS", 37)
    for name, found, expected in zip(
        whole._fields, metrics.find_waves(spikes, place, radius=1.5), whole, strict=True
    ):
        torch.testing.assert_close(found, expected, equal_nan=True, msg=name)


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
@pytest.mark.parametrize(("kind", "middle"), [(Square, (10.0, 10.0)), (Torus, (1.0, 19.0))])
@pytest.mark.parametrize(("speed", "angle"), [(0.25, 0.6), (0.5, -2.5)])
def test_a_plane_wave_has_its_speed_direction_size_and_duration(dt, kind, middle, speed, angle):
    place = sheet(kind)
    onset, nodes = plane_wave(place, speed=speed, angle=angle, middle=middle)
    waves = metrics.find_waves(at(onset, nodes, dt, ms=120), place, gap=5, dt=dt)
    assert waves.nodes.tolist() == waves.spikes.tolist() == [nodes.sum()]
    assert waves.speed.item() == pytest.approx(speed, rel=0.02)
    assert waves.front_speed.item() == pytest.approx(speed, rel=0.03)
    assert waves.direction.item() == pytest.approx(angle, abs=0.03)
    assert waves.fit.item() > 0.99
    span = (onset[nodes].max() - onset[nodes].min()).item()
    assert waves.duration.item() == pytest.approx(span, abs=dt)
    assert waves.start.item() == pytest.approx(onset[nodes].min().item(), abs=dt)
    assert waves.whole.item()


@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_a_wave_that_spreads_all_ways_has_a_front_but_no_plane(dt):
    place = sheet()
    distance = (place.positions - 10).norm(dim=1)
    waves = metrics.find_waves(at(20 + distance / 0.4, distance < 6, dt), place, dt=dt)
    assert waves.fit.item() < 0.1
    assert waves.front_speed.item() == pytest.approx(0.4, rel=0.1)


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_a_wave_that_comes_back_visits_nodes_again(dt):
    """A front that circles a torus: one wave, of which each node sees a passage every 80 ms."""
    place, speed = sheet(Torus), 0.25
    spikes = torch.zeros(round(300 / dt), 1, 900)
    for turn in range(4):
        step = ((place.positions[:, 0] / speed + turn * SIDE / speed) / dt).long()
        inside = step < len(spikes)
        spikes[step[inside], 0, inside.nonzero()[:, 0]] = 1
    waves = metrics.find_waves(spikes, place, gap=5, dt=dt)
    assert waves.nodes.tolist() == [900]
    assert waves.spikes.tolist() == [len(waves.node)] == [spikes.sum()]
    assert waves.front_speed.item() == pytest.approx(speed, rel=0.03)
    assert metrics.wave_summary(spikes, place, gap=5, dt=dt)["interval"] == pytest.approx(80, abs=dt / 10)
    same = metrics.find_waves(spikes, place, gap=5, pause=100, dt=dt)
    assert len(same.node) == 900


def test_two_waves_at_once_and_one_later_are_three():
    place = sheet()
    parts = [(0.3, 0.0, 20.0, (10.0, 4.0)), (0.3, math.pi, 20.0, (10.0, 16.0)), (0.4, 0.0, 90.0, (10.0, 4.0))]
    spikes = torch.zeros(160, 2, 900)
    for number, (speed, angle, start, middle) in enumerate(parts):
        onset, nodes = plane_wave(place, speed=speed, angle=angle, start=start, middle=middle)
        spikes[:, number % 2] += at(onset, nodes, 1.0, ms=160)[:, 0]
    waves = metrics.find_waves(spikes, place)
    order = waves.sample.argsort(stable=True)
    assert waves.sample[order].tolist() == [0, 0, 1]
    assert waves.speed[order].tolist() == pytest.approx([0.3, 0.4, 0.3], rel=0.05)
    assert waves.direction[order].cos().tolist() == pytest.approx([1, 1, -1], abs=0.01)


def test_a_wave_at_the_edge_of_the_recording_is_not_whole():
    place = sheet()
    onset, nodes = plane_wave(place, speed=0.4, angle=0.0, start=10.0)
    spikes = at(onset, nodes, 1.0)
    assert metrics.find_waves(spikes, place).whole.tolist() == [True]
    assert metrics.find_waves(spikes[20:], place).whole.tolist() == [False]
    assert metrics.find_waves(spikes[:30], place).whole.tolist() == [False]


def test_silence_and_scattered_spikes_have_no_waves():
    place = sheet()
    spikes = torch.zeros(50, 1, 900)
    empty = metrics.wave_summary(spikes, place)
    assert empty["rate"] == empty["waves_per_second"] == 0
    assert math.isnan(empty["speed"])
    spikes[10, 0, ::300] = 1
    scattered = metrics.wave_summary(spikes, place)
    assert scattered["in_waves"] == 0
    assert scattered["rate"] > 0


def repeated(place, dt, starts=(20.0, 80.0, 180.0)):
    """The same plane wave three times in two samples, each node with two spikes of 1 ms apart, in 250 ms."""
    onset, nodes = plane_wave(place, speed=0.4, angle=0.0, start=0.0)
    parts = [at(onset + start + late, nodes, dt, ms=250) for start in starts for late in (0, 1)]
    return sum(parts).clamp_max(1).repeat(1, 2, 1), nodes


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_the_summary_counts_waves(dt):
    place = sheet(Torus)
    spikes, nodes = repeated(place, dt)
    found = metrics.wave_summary(spikes, place, dt=dt)
    share = nodes.float().mean().item()
    assert found["waves_per_second"] == pytest.approx(3 / 0.25)
    assert found["waves_per_second_per_1000_nodes"] == pytest.approx(3 / 0.25 / 0.9)
    assert found["waves_per_second_per_100_area"] == pytest.approx(3 / 0.25 / 4)
    assert found["size"] == pytest.approx(share)
    assert found["spikes"] == pytest.approx(2)
    assert found["rate"] == pytest.approx(share * 6 / 0.25, rel=1e-5)
    assert found["in_waves"] == 1
    assert found["size_of_spikes"] == pytest.approx(share)
    assert found["speed"] == pytest.approx(0.4, rel=0.03)
    assert found["plane_speed"] == pytest.approx(0.4, rel=0.03)
    assert found["planar"] == 1
    assert found["interval"] == pytest.approx((60 + 100) / 2, abs=dt / 10)


def test_the_metric_over_separate_updates_is_the_summary():
    place = sheet()
    spikes, _ = repeated(place, 1.0)
    metric = metrics.WaveSummary(place)
    for sample in spikes.split(1, 1):
        metric.update(sample)
    assert metric.compute() == pytest.approx(metrics.wave_summary(spikes, place))


@pytest.mark.parametrize("forward", [False, True])
def test_windows_that_continue_have_the_waves_of_the_whole(forward):
    place = sheet()
    spikes, _ = repeated(place, 1.0)
    metric, apart = metrics.WaveSummary(place, continues=True), metrics.WaveSummary(place)
    for window in spikes.split([21, 2, 67, 5, 95, 60]):
        metric(window) if forward else metric.update(window)
        apart.update(window)
    assert metric.compute() == pytest.approx(metrics.wave_summary(spikes, place))
    assert apart.compute()["waves_per_second"] > metric.compute()["waves_per_second"]


def test_an_open_wave_counts_once_it_has_ended():
    place = sheet()
    spikes, _ = repeated(place, 1.0)
    metric = metrics.WaveSummary(place, continues=True)
    metric.update(spikes[:30])
    assert metric.compute()["waves_per_second"] == 0
    metric.update(spikes[30:70])
    assert metric.compute()["waves_per_second"] == pytest.approx(1 / 0.07)


def test_processes_are_joined():
    place = sheet()
    spikes, _ = repeated(place, 1.0)
    others = [metrics.WaveSummary(place), metrics.WaveSummary(place)]
    others[0].update(spikes[:, :1])
    others[1].update(torch.zeros_like(spikes[:, :1]))
    metric = others[0].clone()
    names = iter(metric.metric_state)

    def gather(*_, **__):
        name = next(names)
        return [torch.cat(x) if isinstance(x := getattr(other, name), list) else x for other in others]

    metric.dist_sync_fn = gather
    metric.distributed_available_fn = lambda: True
    both = torch.cat([spikes[:, :1], torch.zeros_like(spikes[:, :1])], 1)
    assert metric.compute() == pytest.approx(metrics.wave_summary(both, place))


def test_planes_equal_least_squares():
    generator = torch.Generator().manual_seed(0)
    place, time = torch.rand(30, 2, generator=generator), torch.rand(30, generator=generator)
    group = torch.arange(30) % 2
    planes = fit_planes(place, time, group, 3)
    for number in range(2):
        mine = group == number
        design = torch.cat([place[mine], torch.ones(15, 1)], 1).double()
        solved = torch.linalg.lstsq(design, time[mine].double()).solution
        torch.testing.assert_close(planes.slope[number], solved[:2])
        left = time[mine].double() - design @ solved
        assert planes.fit[number].item() == pytest.approx(1 - (left.var() / time[mine].double().var()).item())
    assert planes.slope[2].isnan().all()
    line = fit_planes(torch.arange(8.0)[:, None].expand(-1, 2), torch.arange(8.0), torch.zeros(8).long(), 1)
    assert line.slope.isnan().all()


def test_grouped_median_equals_that_of_each_group():
    values, group = torch.rand(50, generator=torch.Generator().manual_seed(0)), torch.arange(50) % 7 * 2
    found = grouped_median(values, group, 14)
    for number in range(14):
        mine = values[group == number]
        assert found[number].isnan() if number % 2 else found[number] == mine.median()


def test_errors_say_what_is_wrong():
    place = sheet()
    with pytest.raises(ValueError, match=r"spikes must be \[T, B, 900\] for the nodes of the sheet"):
        metrics.find_waves(torch.zeros(5, 1, 3), place)
    with pytest.raises(ValueError, match="gap must be a finite number above 0, got 0"):
        metrics.find_waves(torch.zeros(5, 1, 900), place, gap=0)
    with pytest.raises(ValueError, match="least_share must lie between 0 and 1, got 2"):
        metrics.WaveSummary(place, least_share=2)
    with pytest.raises(ValueError, match="least_nodes must be a whole number above 0"):
        metrics.find_waves(torch.zeros(5, 1, 900), place, least_nodes=0)
