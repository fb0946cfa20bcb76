import math

import pytest
import torch
from helpers.tensors import randn

from lightning_snn.geometry import Disk, Points, Square, Torus


def uniform_points(count, side, seed=0):
    return side * torch.rand(count, 2, generator=torch.Generator().manual_seed(seed))


def smallest_distance(place):
    return torch.pdist(place).min().item()


SHEETS = {
    "square": lambda placement="random", seed=0: Square(200, 10.0, seed, placement=placement),
    "torus": lambda placement="random", seed=0: Torus(200, 10.0, seed, placement=placement),
    "disk": lambda placement="random", seed=0: Disk(200, 5.0, 0.0, seed, placement=placement),
    "ring": lambda placement="random", seed=0: Disk(200, 5.0, 3.0, seed, placement=placement),
}
AREAS = {"square": 100, "torus": 100, "disk": 25 * math.pi, "ring": 16 * math.pi}
every_sheet = pytest.mark.parametrize("kind", SHEETS)


@every_sheet
@pytest.mark.parametrize("placement", ["random", "grid"])
def test_nodes_lie_within_the_bounds_and_outside_the_hole(kind, placement):
    sheet = SHEETS[kind](placement)
    x_min, y_min, x_max, y_max = sheet.bounds
    x, y = sheet.positions.unbind(1)
    assert sheet.positions.shape == (200, 2)
    assert x_min <= x.min() < x_min + 1
    assert x_max - 1 < x.max() <= x_max
    assert y_min <= y.min() < y_min + 1
    assert y_max - 1 < y.max() <= y_max
    if kind in ("disk", "ring"):
        radius = torch.hypot(x, y)
        assert radius.max() <= 5 + 1e-5
        assert radius.min() >= (3 - 1e-5 if kind == "ring" else 0)


@every_sheet
def test_same_seed_same_positions(kind):
    place = SHEETS[kind](seed=3).positions
    assert torch.equal(place, SHEETS[kind](seed=3).positions)
    assert not torch.equal(place, SHEETS[kind](seed=4).positions)


@every_sheet
def test_density_is_nodes_per_area(kind):
    sheet = SHEETS[kind]()
    assert sheet.num_nodes == 200
    assert sheet.area == pytest.approx(AREAS[kind])
    assert sheet.density == pytest.approx(200 / AREAS[kind])


@pytest.mark.parametrize("kind", ["disk", "ring"])
def test_random_placement_is_uniform_in_area(kind):
    inner = 3.0 if kind == "ring" else 0.0
    sheet = Disk(20_000, 5.0, inner)
    radius = torch.linalg.vector_norm(sheet.positions, dim=1)
    half = math.sqrt((inner**2 + 25) / 2)
    assert (radius < half).float().mean() == pytest.approx(0.5, abs=0.015)


@every_sheet
def test_distances_are_symmetric_with_a_zero_diagonal(kind):
    distances = SHEETS[kind]().distances()
    assert torch.equal(distances, distances.t())
    assert torch.equal(distances.diagonal(), torch.zeros(200))
    assert (distances + torch.eye(200)).min() > 0


def test_flat_distances_equal_a_plain_loop():
    sheet = Square(20, 10.0)
    place = sheet.positions.tolist()
    expected = [[math.dist(p, q) for q in place] for p in place]
    torch.testing.assert_close(sheet.distances(), torch.tensor(expected), rtol=1e-6, atol=1e-6)


def test_torus_distances_equal_a_plain_loop_over_its_images():
    sheet = Torus(30, 10.0)
    place = sheet.positions.tolist()
    shifts = [(10.0 * i, 10.0 * j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    expected = [[min(math.dist(p, (q[0] + i, q[1] + j)) for i, j in shifts) for q in place] for p in place]
    distances = sheet.distances()
    torch.testing.assert_close(distances, torch.tensor(expected), rtol=1e-5, atol=1e-5)
    assert distances.max() <= math.sqrt(50) + 1e-5
    assert (distances < Square(30, 10.0).distances() - 1).any()


def test_distances_to_other_positions():
    sheet = Torus(5, 10.0)
    other = torch.tensor([[0.0, 0.0], [10.0, 10.0], [5.0, 5.0]])
    distances = sheet.distances(other)
    assert distances.shape == (5, 3)
    torch.testing.assert_close(distances[:, 0], distances[:, 1], rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match=r"other must hold positions \[M, 2\], got shape \[2\]"):
        sheet.distances(other[0])


@pytest.mark.parametrize(("count", "rows"), [(1, [1]), (9, [3, 3, 3]), (7, [3, 2, 2]), (10, [4, 3, 3])])
def test_grid_rows_differ_by_at_most_one_node(count, rows):
    sheet = Square(count, 6.0, placement="grid")
    assert torch.equal(sheet.positions, sheet.even_positions(count))
    _, found = torch.unique(sheet.positions[:, 1], return_counts=True)
    assert sorted(found.tolist(), reverse=True) == rows
    for y in sheet.positions[:, 1].unique():
        x = sheet.positions[sheet.positions[:, 1] == y, 0]
        torch.testing.assert_close(x, (torch.arange(len(x)) + 0.5) * 6 / len(x))


def test_even_positions_of_a_square_number_are_a_square_grid():
    place = Square(3, 8.0).even_positions(16)
    expected = [[x, y] for y in (1.0, 3.0, 5.0, 7.0) for x in (1.0, 3.0, 5.0, 7.0)]
    torch.testing.assert_close(place, torch.tensor(expected))


@every_sheet
@pytest.mark.parametrize("count", [5, 50, 64])
def test_even_positions_are_more_even_than_chance(kind, count):
    sheet = SHEETS[kind]()
    place = sheet.even_positions(count)
    assert place.shape == (count, 2)
    spacing = math.sqrt(sheet.area / count)
    assert smallest_distance(place) > 0.5 * spacing
    assert smallest_distance(sheet.positions[:count]) < smallest_distance(place)


def test_even_positions_of_a_ring_avoid_its_hole():
    radius = torch.linalg.vector_norm(Disk(10, 5.0, 3.0).even_positions(100), dim=1)
    assert radius.min() >= 3
    assert radius.max() <= 5
    assert radius.min() < 3.1
    assert radius.max() > 4.9


def test_even_positions_of_points_are_the_farthest_nodes():
    sheet = Points(uniform_points(40, 10.0))
    place = sheet.even_positions(12)
    chosen = [min(range(40), key=lambda i: math.dist(sheet.positions[i], sheet.positions.mean(0)))]
    while len(chosen) < 12:
        gap = [min(math.dist(sheet.positions[i], sheet.positions[j]) for j in chosen) for i in range(40)]
        chosen.append(gap.index(max(gap)))
    assert torch.equal(place, sheet.positions[chosen])


def test_even_positions_of_points_start_again_beyond_the_nodes():
    sheet = Points(uniform_points(40, 10.0))
    positions = sheet.even_positions(43)
    assert torch.equal(positions[:40], sheet.positions)
    assert torch.equal(positions[40:], sheet.even_positions(3))


def test_even_positions_of_no_count():
    with pytest.raises(ValueError, match="count must be a whole number above 0, got 0"):
        Points(uniform_points(40, 10.0)).even_positions(0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["square", "ring"])
def test_points_estimate_the_density_of_a_uniform_layout(kind, seed):
    sheet = Square(1500, 28.0, seed) if kind == "square" else Disk(1500, 15.0, 8.0, seed)
    assert Points(sheet.positions).density == pytest.approx(sheet.density, rel=0.15)


def test_points_take_a_given_area_and_their_bounding_box():
    sheet = Points([[0, 1], [4, 2], [1, 6]], area=10.0)
    assert sheet.density == pytest.approx(0.3)
    assert sheet.bounds == (0, 1, 4, 6)
    assert sheet.positions.dtype == torch.float32


def pixel_centres(height, width):
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)


@pytest.mark.parametrize("size", [3, 28])
def test_sample_is_exact_at_pixel_centres(size):
    sheet = Square(size**2, float(size), placement="grid")
    torch.testing.assert_close(sheet.positions, pixel_centres(size, size))
    images = torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(sheet.sample(images), images.flatten(1), rtol=0, atol=1e-5)


def test_sample_reproduces_a_linear_ramp_between_pixel_centres():
    sheet = Square(300, 10.0)
    ramp = pixel_centres(5, 5) @ torch.tensor([0.15, 0.04])
    values = sheet.sample(ramp.reshape(1, 1, 5, 5))[0]
    pixels = sheet.positions / 2
    inside = ((pixels >= 0.5) & (pixels <= 4.5)).all(1)
    assert inside.sum() > 100
    expected = pixels @ torch.tensor([0.15, 0.04])
    torch.testing.assert_close(values[inside], expected[inside], rtol=0, atol=1e-5)


def test_sample_tells_right_from_down():
    image = torch.tensor([[[[0.1, 0.2], [0.3, 0.4]]]])
    sheet = Points([[0, 0], [1, 0], [0, 1], [1, 1]])
    torch.testing.assert_close(sheet.sample(image), torch.tensor([[0.1, 0.2, 0.3, 0.4]]))


@every_sheet
def test_sample_of_a_constant_image_is_constant(kind):
    values = SHEETS[kind]().sample(torch.full((3, 1, 28, 20), 0.3))
    torch.testing.assert_close(values, torch.full((3, 200), 0.3))


def test_sample_keeps_the_range_of_each_image():
    sheet = Square(400, 7.0)
    images = randn(3, 1, 7, 7) * torch.tensor([0.1, 1.0, 50.0]).view(3, 1, 1, 1)
    values = sheet.sample(images)
    assert (values.amin(1) >= images.flatten(1).amin(1).clamp_max(0)).all()
    assert (values.amax(1) <= images.flatten(1).amax(1).clamp_min(1)).all()
    torch.testing.assert_close(sheet.sample(2 * images - 3), 2 * values - 3, rtol=1e-5, atol=1e-4)


def test_sample_leaves_no_value_of_grey_images_out_of_0_and_1_by_rounding():
    white = Square(5000, 28.0).sample(torch.ones(1, 1, 28, 28))
    assert white.max() == 1


@pytest.mark.parametrize("kind", SHEETS)
def test_images_of_several_channels_need_maps(kind):
    sheet = SHEETS[kind]()
    message = (
        r"images of 3 channels need a geometry with as many, Maps\(channels=3\), "
        f"got {type(sheet).__name__}, which takes images of one"
    )
    with pytest.raises(ValueError, match=message):
        sheet.sample(torch.zeros(2, 3, 4, 4))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Square(0, 2.0), "num_nodes must be a whole number above 0, got 0"),
        (lambda: Square(-3, 2.0), "num_nodes must be a whole number above 0, got -3"),
        (lambda: Torus(4, 0.0), "side must be a finite number above 0, got 0.0"),
        (lambda: Square(4, math.inf), "side must be a finite number above 0, got inf"),
        (lambda: Square(4, 2.0, placement="hex"), "placement must be one of grid, random, got 'hex'"),
        (lambda: Disk(0, 2.0), "num_nodes must be a whole number above 0, got 0"),
        (lambda: Disk(4, -1.0), "radius must be a finite number above 0, got -1.0"),
        (lambda: Disk(4, 2.0, 2.0), r"inner_radius must lie in \[0, radius = 2.0\), got 2.0"),
        (lambda: Disk(4, 2.0, -0.5), r"inner_radius must lie in \[0, radius = 2.0\), got -0.5"),
        (lambda: Disk(4, 2.0, placement="hex"), "placement must be one of grid, random, got 'hex'"),
        (lambda: Points([[0.0, 1.0]]), r"positions must be finite, \[N, 2\] with N >= 2"),
        (lambda: Points([[0.0], [1.0]]), r"positions must be finite, \[N, 2\].*got shape \[2, 1\]"),
        (lambda: Points([[0, 1], [1, math.nan]]), "positions must be finite"),
        (lambda: Points([[0, 1], [3, 1], [2, 1]]), "positions must span an area"),
        (lambda: Points([[0, 1], [3, 2]], area=0.0), "area must be a finite number above 0, got 0.0"),
    ],
)
def test_errors(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_distances_to_another_sheet():
    sheet, other = Torus(9, 3.0), Square(4, 3.0, placement="grid")
    assert torch.equal(sheet.distances(other), sheet.distances(other.positions))
    assert sheet.distances(other).shape == (9, 4)
