import math

import pytest
import torch

from lightning_snn.metrics import functional as fn

SIDE = 40
GRID = torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE)).float()


def flat_distances(place):
    return torch.linalg.vector_norm(place[:, None] - place, dim=-1)


def wrapped_distances(place, side):
    offset = place[:, None] - place
    return torch.linalg.vector_norm(offset - side * (offset / side).round(), dim=-1)


@pytest.fixture(scope="module")
def flat():
    return flat_distances(GRID)


@pytest.fixture(scope="module")
def torus():
    return wrapped_distances(GRID, SIDE)


@pytest.fixture(scope="module")
def scattered():
    generator = torch.Generator().manual_seed(3)
    place = 10 * torch.rand(30, 2, generator=generator)
    connected = torch.rand(6, 30, generator=generator) < torch.linspace(0, 1, 6)[:, None]
    return connected, flat_distances(place)


def node(x, y):
    return x * SIDE + y


def test_field_size_counts_connected_nodes(scattered):
    connected, _ = scattered
    size = fn.field_size(connected)
    assert size.dtype == torch.float32
    assert size.tolist() == [sum(row) for row in connected.tolist()]
    assert size[0] == 0
    assert size[-1] == 30


def test_rms_radius_equals_a_plain_loop(scattered):
    connected, distances = scattered
    for row, radius in zip(connected, fn.rms_radius(connected, distances).tolist(), strict=True):
        field = row.nonzero()[:, 0].tolist()
        if not field:
            assert math.isnan(radius)
            continue
        total = sum(distances[i, j].item() ** 2 for i in field for j in field)
        assert radius == pytest.approx(math.sqrt(total / 2) / len(field), rel=1e-5)


def test_rms_radius_is_the_rms_distance_to_the_centroid(flat):
    field = (GRID[:, 0] < 9) & (GRID[:, 1] > 20)
    place = GRID[field]
    expected = (place - place.mean(dim=0)).square().sum(dim=1).mean().sqrt().item()
    assert fn.rms_radius(field[None], flat).item() == pytest.approx(expected, rel=1e-4)


def test_a_disk_has_the_radius_of_a_disk(flat):
    field = (flat[node(20, 20)] < 15)[None]
    assert fn.rms_radius(field, flat).item() == pytest.approx(15 / math.sqrt(2), rel=0.01)
    expected = fn.round_radius(fn.field_size(field), density=1.0)
    assert fn.rms_radius(field, flat).item() == pytest.approx(expected.item(), rel=0.001)
    assert fn.compactness(field, flat).item() == 1
    assert fn.field_centre(field, flat).item() == node(20, 20)


def test_a_field_split_by_the_edge_is_whole_on_a_torus(flat, torus):
    field = (torus[node(0, 20)] < 8)[None]
    assert fn.field_centre(field, torus).item() == node(0, 20)
    assert fn.compactness(field, torus).item() == 1
    expected = fn.round_radius(fn.field_size(field), density=1.0).item()
    assert fn.rms_radius(field, torus).item() == pytest.approx(expected, rel=0.005)
    assert fn.rms_radius(field, flat).item() > 2 * fn.rms_radius(field, torus).item()
    assert fn.compactness(field, flat).item() < 0.2


def test_a_ring_is_not_compact(flat):
    from_centre = flat[node(20, 20)]
    ring = ((from_centre > 10) & (from_centre < 13))[None]
    assert fn.field_centre(ring, flat).item() == node(20, 20)
    assert fn.compactness(ring, flat).item() == 0
    assert fn.rms_radius(ring, flat).item() == pytest.approx(math.sqrt((10**2 + 13**2) / 2), rel=0.02)


def test_a_thick_ring_is_compact_in_part(flat):
    from_centre = flat[node(20, 20)]
    ring = ((from_centre > 9) & (from_centre < 15))[None]
    disk_radius = math.sqrt(15**2 - 9**2)
    expected = (disk_radius**2 - 9**2) / disk_radius**2
    assert fn.compactness(ring, flat).item() == pytest.approx(expected, abs=0.03)


def test_compactness_and_centre_equal_a_plain_loop(scattered):
    connected, distances = scattered
    centres = fn.field_centre(connected, distances).tolist()
    values = fn.compactness(connected, distances).tolist()
    for row, centre, value in zip(connected, centres, values, strict=True):
        field = row.nonzero()[:, 0].tolist()
        if not field:
            assert centre == -1
            assert math.isnan(value)
            continue
        cost = [sum(distances[node, i].item() ** 2 for i in field) for node in range(30)]
        assert centre == cost.index(min(cost))
        nearest = sorted(range(30), key=lambda node: distances[centre, node].item())[: len(field)]
        assert value == pytest.approx(len(set(nearest) & set(field)) / len(field))


def test_a_single_node_is_a_compact_field(flat):
    field = torch.zeros(1, SIDE**2, dtype=torch.bool)
    field[0, 7] = True
    assert fn.rms_radius(field, flat).item() == 0
    assert fn.compactness(field, flat).item() == 1
    assert fn.field_centre(field, flat).item() == 7


def test_round_radius_of_a_disk_of_known_area():
    size = 2.5 * math.pi * 4.0**2
    assert fn.round_radius(torch.tensor(size), density=2.5).item() == pytest.approx(4 / math.sqrt(2))


def test_localised_asks_for_a_small_round_field(flat):
    from_corner, from_centre = flat[node(2, 2)], flat[node(20, 20)]
    blob = from_centre < 6
    two_blobs = (from_centre < 4) | (from_corner < 4)
    large = from_centre < 16
    empty = torch.zeros_like(blob)
    connected = torch.stack([blob, two_blobs, large, empty])
    found = fn.localised(connected, flat, density=1.0, target_size=240)
    assert found.tolist() == [True, False, False, False]


def test_localised_tolerance_and_target_are_strict_limits(flat):
    field = (flat[node(20, 20)] < 6)[None]
    size = fn.field_size(field).item()
    ratio = (fn.rms_radius(field, flat) / fn.round_radius(fn.field_size(field), 1.0)).item()

    def found(target_size, tolerance):
        return fn.localised(field, flat, density=1.0, target_size=target_size, tolerance=tolerance).item()

    assert found(size + 1, ratio * 1.01)
    assert not found(size, ratio * 1.01)
    assert not found(size + 1, ratio * 0.99)


def test_coverage_is_the_share_of_nodes_with_a_unit():
    connected = torch.zeros(3, 8, dtype=torch.bool)
    connected[0, :3] = True
    connected[2, 2:5] = True
    assert fn.coverage(connected).item() == 5 / 8
    assert fn.coverage(connected[:0]).item() == 0


def test_no_units_give_no_values(flat):
    none = torch.zeros(0, SIDE**2, dtype=torch.bool)
    for values in (fn.field_size(none), fn.rms_radius(none, flat), fn.compactness(none, flat)):
        assert values.shape == (0,)


def test_fields_are_measured_in_float32_under_autocast(scattered):
    connected, distances = scattered
    expected = fn.rms_radius(connected, distances)
    with torch.autocast("cpu", torch.bfloat16):
        found = fn.rms_radius(connected, distances)
    assert found.dtype == torch.float32
    assert torch.equal(found[1:], expected[1:])


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.bfloat16, torch.float32])
def test_rate_and_sparsity_of_counted_spikes(dtype):
    spikes = torch.zeros(50, 2, 4)
    spikes[3, 0, 1] = spikes[4, 0, 1] = spikes[49, 0, 2] = 1
    spikes = spikes.to(dtype)
    assert fn.firing_rate(spikes, dt=2.0).tolist() == pytest.approx([3 / 4 / 0.1, 0.0])
    assert fn.sparsity(spikes).tolist() == [0.5, 1.0]


def test_maps_count_every_neuron():
    spikes = torch.zeros(10, 1, 2, 3, 4)
    spikes[0, 0, 0] = 1
    assert fn.firing_rate(spikes).item() == pytest.approx(50.0)
    assert fn.sparsity(spikes).item() == 0.5


def test_errors_name_the_argument(flat):
    field = torch.zeros(2, SIDE**2, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"connected must be \[M, N\].*got shape \[5\]"):
        fn.field_size(torch.zeros(5, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"connected must be boolean.*torch.float32"):
        fn.coverage(torch.zeros(2, 5))
    with pytest.raises(ValueError, match=r"distances must be \[1600, 1600\], got shape \[3, 3\]"):
        fn.rms_radius(field, torch.zeros(3, 3))
    with pytest.raises(ValueError, match=r"distances must be \[1600, 1600\], got shape \[1600\]"):
        fn.compactness(field, flat[0])
    with pytest.raises(ValueError, match=r"distances must be floating point, got dtype torch.int64"):
        fn.rms_radius(field, flat.long())
    with pytest.raises(ValueError, match="density must be a finite number above 0, got 0"):
        fn.round_radius(torch.ones(1), density=0)
    with pytest.raises(ValueError, match="target_size must be a finite number above 0"):
        fn.localised(field, flat, density=1.0, target_size=-1)
    with pytest.raises(ValueError, match=r"spikes must be \[T, B, N\].*got shape \[4, 5\]"):
        fn.firing_rate(torch.zeros(4, 5))
    with pytest.raises(ValueError, match="dt must be a finite number above 0, got 0"):
        fn.firing_rate(torch.zeros(4, 5, 6), dt=0)
    with pytest.raises(ValueError, match=r"spikes must be \[T, B, N\] with no empty dimension"):
        fn.sparsity(torch.zeros(0, 5, 6))
