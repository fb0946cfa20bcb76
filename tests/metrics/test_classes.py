import pickle

import pytest
import torch

from lightning_snn import metrics

NODES = 60


def distances():
    place = 10 * torch.rand(NODES, 2, generator=torch.Generator().manual_seed(0))
    return torch.linalg.vector_norm(place[:, None] - place, dim=-1)


def fields(seed, units=7):
    """Disks of growing size, one field that is scattered and one that is empty."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.randint(NODES, (units,), generator=generator)
    connected = distances()[centre] < torch.linspace(1, 3, units)[:, None]
    connected[0] = False
    connected[1] = torch.rand(NODES, generator=generator) < 0.2
    return connected


def spikes(seed, batch=3):
    return (torch.rand(20, batch, 30, generator=torch.Generator().manual_seed(seed)) < 0.03).float()


LIMITS = {"density": NODES / 100, "target_size": 12}

CASES = {
    "size": (metrics.FieldSize, metrics.field_size, fields),
    "coverage": (metrics.Coverage, metrics.coverage, fields),
    "radius": (
        lambda: metrics.RmsRadius(distances()),
        lambda x: metrics.rms_radius(x, distances()),
        fields,
    ),
    "compactness": (
        lambda: metrics.Compactness(distances()),
        lambda x: metrics.compactness(x, distances()),
        fields,
    ),
    "localised": (
        lambda: metrics.LocalisedShare(distances(), **LIMITS),
        lambda x: metrics.localised(x, distances(), **LIMITS).float(),
        fields,
    ),
    "rate": (lambda: metrics.FiringRate(dt=0.5), lambda x: metrics.firing_rate(x, dt=0.5), spikes),
    "sparsity": (metrics.Sparsity, metrics.sparsity, spikes),
}


@pytest.fixture(params=CASES, ids=str)
def case(request):
    return CASES[request.param]


def mean(function, batches):
    values = torch.cat([function(batch).reshape(-1) for batch in batches])
    return values.nanmean().item()


def test_class_equals_the_mean_of_the_function(case):
    build, function, data = case
    batches = [data(seed, 3 + seed) for seed in range(4)]
    metric = build()
    for batch in batches:
        metric.update(batch)
    assert metric.compute().item() == pytest.approx(mean(function, batches), rel=1e-5)


def test_forward_returns_the_batch_and_keeps_the_mean(case):
    build, function, data = case
    metric = build()
    assert metric(data(0)).item() == pytest.approx(mean(function, [data(0)]), rel=1e-5)
    assert metric(data(1)).item() == pytest.approx(mean(function, [data(1)]), rel=1e-5)
    assert metric.compute().item() == pytest.approx(mean(function, [data(0), data(1)]), rel=1e-5)


def test_merged_halves_equal_the_whole(case):
    build, function, data = case
    first, second = build(), build()
    first.update(data(0, 4))
    second.update(data(1, 9))
    first.merge_state(second)
    assert first.compute().item() == pytest.approx(mean(function, [data(0, 4), data(1, 9)]), rel=1e-5)


def test_states_of_two_processes_are_summed(case):
    build, function, data = case
    batches = [data(0, 4), data(1, 9)]
    states = []
    for batch in batches:
        other = build()
        other.update(batch)
        states.append({"total": other.total, "count": other.count})

    def gather(value, **_):
        return [state["count" if value.dtype == torch.int64 else "total"] for state in states]

    metric = build()
    metric.update(batches[0])
    metric.dist_sync_fn = gather
    metric.distributed_available_fn = lambda: True
    assert metric.compute().item() == pytest.approx(mean(function, batches), rel=1e-5)


def test_reset_forgets(case):
    build, function, data = case
    metric = build()
    metric.update(data(0))
    metric.reset()
    metric.update(data(1))
    assert metric.compute().item() == pytest.approx(mean(function, [data(1)]), rel=1e-5)


def test_state_moves_through_a_checkpoint_without_the_distances(case):
    build, function, data = case
    metric, resumed = build(), build()
    metric.persistent(True)
    resumed.persistent(True)
    metric.update(data(0))
    state = metric.state_dict()
    assert set(state) == {"total", "count"}
    resumed.load_state_dict(state)
    resumed.update(data(1))
    assert resumed.compute().item() == pytest.approx(mean(function, [data(0), data(1)]), rel=1e-5)


def test_pickles_and_clones(case):
    build, _, data = case
    metric = build()
    metric.update(data(0))
    assert pickle.loads(pickle.dumps(metric)).compute() == metric.compute()
    assert metric.clone().compute() == metric.compute()


def test_nothing_is_saved_by_default(case):
    assert not case[0]().state_dict()


def test_distances_move_with_the_metric():
    metric = metrics.RmsRadius(distances()).to("meta")
    assert metric.distances.device.type == "meta"
    assert metric.total.device.type == "meta"


def test_empty_fields_count_where_they_should():
    connected = torch.zeros(4, NODES, dtype=torch.bool)
    connected[0, 5] = True
    sheet = distances()
    radius, compact = metrics.RmsRadius(sheet), metrics.Compactness(sheet)
    share, size = metrics.LocalisedShare(sheet, **LIMITS), metrics.FieldSize()
    for metric in (radius, compact, share, size):
        metric.update(connected)
    assert [m.compute().item() for m in (radius, compact, share, size)] == [0.0, 1.0, 0.25, 0.25]
    radius.reset()
    radius.update(connected[1:])
    assert radius.compute().isnan()


def test_gradients_stay_out_of_the_state():
    trained = spikes(0).requires_grad_()
    metric = metrics.FiringRate()
    metric(trained)
    assert not metric.total.requires_grad


def test_errors_come_at_construction():
    with pytest.raises(ValueError, match=r"distances must be \[N, N\], got shape \[3, 4\]"):
        metrics.Compactness(torch.zeros(3, 4))
    with pytest.raises(ValueError, match="density must be a finite number above 0"):
        metrics.LocalisedShare(distances(), density=0, target_size=3)
    with pytest.raises(ValueError, match="dt must be a finite number above 0"):
        metrics.FiringRate(dt=-1)
