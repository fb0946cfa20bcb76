"""Damaged and scrambled sheets: which nodes there are, what they see, and that a network has them again."""

from functools import partial

import pytest
import torch

from lightning_snn import (
    LIF,
    Damaged,
    Dense,
    Disk,
    LateralKernel,
    OnOff,
    Points,
    Scrambled,
    SpikingLayer,
    SpikingNetwork,
    Square,
    Torus,
)
from lightning_snn.core.permutation import scrambled
from lightning_snn.geometry.neighbours import neighbours

SHEETS = {
    "square": Square(300, 12.0, seed=0),
    "grid": Square(144, 12.0, placement="grid"),
    "torus": Torus(300, 12.0, seed=0),
    "ring": Disk(300, 7.0, 3.0, seed=0),
    "points": Points(Square(300, 12.0, seed=0).positions),
    "contrast": OnOff(12, 12),
}
VIEWS = {
    "damaged": partial(Damaged, share=0.2, seed=1),
    "scrambled": partial(Scrambled, pixel_seed=4, seed=1),
    "wrong": partial(Scrambled, pixel_seed=4, neighbours="wrong", seed=1),
    "both": lambda sheet: Damaged(Scrambled(sheet, pixel_seed=4, seed=2), 0.2, seed=1),
}
IMAGES = torch.rand(3, 1, 12, 12, generator=torch.Generator().manual_seed(0))
every_sheet = pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
every_view = pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)


def rows(values):
    return sorted(map(tuple, values.tolist()))


@every_sheet
def test_a_damaged_sheet_has_some_of_the_nodes_and_they_see_the_same(sheet):
    damaged = Damaged(sheet, 0.2, seed=1)
    assert damaged.num_nodes == sheet.num_nodes - round(0.2 * sheet.num_nodes)
    assert (damaged.shown.diff() > 0).all()
    assert torch.equal(damaged.positions, sheet.positions[damaged.shown])
    assert torch.equal(damaged.sample(IMAGES), sheet.sample(IMAGES)[:, damaged.shown])
    assert not torch.equal(damaged.shown, Damaged(sheet, 0.2, seed=2).shown)
    assert damaged.density == pytest.approx(damaged.num_nodes / sheet.area)


def test_damage_is_spread_by_chance():
    left = torch.cat([Damaged(SHEETS["square"], 0.5, seed=seed).shown for seed in range(40)])
    assert torch.bincount(left, minlength=300).float().std() == pytest.approx(10**0.5, rel=0.2)
    assert Damaged(SHEETS["square"], 0.0).num_nodes == 300
    assert Damaged(SHEETS["square"], 0.9999).num_nodes == 1


@every_sheet
def test_scrambled_nodes_see_the_scrambled_image_where_they_are(sheet):
    other = Scrambled(sheet, pixel_seed=4, seed=1)
    assert not torch.equal(other.positions, sheet.positions)
    seen, truly = other.sample(scrambled(IMAGES, 4)), sheet.sample(IMAGES)
    assert rows(torch.cat([other.positions, seen.t()], 1)) == rows(torch.cat([sheet.positions, truly.t()], 1))
    assert not torch.equal(seen, other.sample(IMAGES))
    assert not torch.equal(other.positions, Scrambled(sheet, seed=2).positions)


@every_sheet
def test_wrong_neighbours_are_elsewhere_than_they_see(sheet):
    true, wrong = (Scrambled(sheet, pixel_seed=4, seed=1, neighbours=name) for name in ("true", "wrong"))
    images = scrambled(IMAGES, 4)
    assert torch.equal(true.sample(images), wrong.sample(images))
    assert rows(true.positions) == rows(wrong.positions)
    assert not (true.shown == wrong.shown).any()
    apart = torch.linalg.vector_norm(true.positions - wrong.positions, dim=1)
    assert apart.mean() > 4.0


@every_view
@every_sheet
def test_a_view_has_the_space_of_its_sheet(sheet, view):
    other = view(sheet)
    assert (other.area, other.bounds, other.period) == (sheet.area, sheet.bounds, sheet.period)
    assert torch.equal(other.even_positions(30), sheet.even_positions(30))
    inner = other.sheet.distances()
    assert torch.equal(other.distances(), inner[other.shown][:, other.shown])
    found, near = neighbours(other, 2.5), (other.distances() < 2.5).fill_diagonal_(False)
    assert torch.equal(found.targets.long(), near.nonzero()[:, 1])


@every_view
@pytest.mark.parametrize("kind", ["square", "torus"])
def test_coupling_over_a_mesh_is_that_of_all_pairs(view, kind):
    kernel = {"inhibition_range": 3.0, "decay_length": 4.0}
    dense, mesh = (
        LateralKernel(**kernel, storage=storage).couple(view(SHEETS[kind])) for storage in ("dense", "mesh")
    )
    spikes = (torch.rand(4, dense.num_pre, generator=torch.Generator().manual_seed(1)) < 0.1).float()
    torch.testing.assert_close(mesh(spikes), dense(spikes), rtol=0.01, atol=0.15)


def test_images_of_another_size_or_of_channels_are_refused_as_by_the_sheet():
    for view in VIEWS.values():
        with pytest.raises(ValueError, match=r"images must be \(12, 12\) \(height, width\), got \(9, 9\)"):
            view(SHEETS["contrast"]).sample(torch.zeros(2, 1, 9, 9))
        with pytest.raises(ValueError, match="images of 3 channels need a geometry with as many"):
            view(SHEETS["square"]).sample(torch.zeros(2, 3, 12, 12))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda sheet: Damaged(sheet, 1.0), r"share must lie in \[0, 1\), got 1.0"),
        (lambda sheet: Damaged(sheet, -0.1), r"share must lie in \[0, 1\), got -0.1"),
        (lambda sheet: Scrambled(sheet, neighbours="no"), "neighbours must be one of true, wrong, got 'no'"),
        (lambda sheet: Scrambled(sheet, pixel_seed=-1), "pixel_seed must be a whole number, 0 or above"),
    ],
)
def test_errors(build, message):
    with pytest.raises(ValueError, match=message):
        build(SHEETS["square"])


# ---------------------------------------------------------------- in a network


def network_of(geometry, seed):
    below = SpikingLayer(geometry, LIF())
    return SpikingNetwork(
        {"retina": below, "top": SpikingLayer(Square(5, 12.0), LIF(), projection=Dense)}, seed=seed
    )


def test_a_network_draws_the_sheet_as_without_the_view():
    plain = network_of(Square(300, 12.0), 7).layer("retina").positions
    for view in (Scrambled(Square(300, 12.0)), Damaged(Square(300, 12.0), 0.0)):
        assert rows(network_of(view, 7).layer("retina").positions) == rows(plain)
    for kind in (Scrambled, partial(Damaged, share=0.5)):
        first, same, other = (network_of(kind(Square(300, 12.0)), seed) for seed in (7, 7, 8))
        shown = [network.layer("retina").geometry.shown for network in (first, same, other)]
        assert torch.equal(shown[0], shown[1])
        assert not torch.equal(shown[0], shown[2])
    left, order = (
        network_of(view(Square(300, 12.0)), 7).layer("retina").geometry.shown
        for view in (partial(Damaged, share=0.0), Scrambled)
    )
    assert not torch.equal(left, order)


VIEWS_OF = {
    "damaged": lambda sheet: Damaged(sheet, 0.3),
    "wrong": lambda sheet: Scrambled(sheet, neighbours="wrong"),
    "both": lambda sheet: Damaged(Scrambled(sheet, neighbours="wrong"), 0.3),
}


@pytest.mark.parametrize("view", VIEWS_OF.values(), ids=VIEWS_OF)
@pytest.mark.parametrize(
    "sheet", [lambda: Square(300, 12.0), lambda: OnOff(12, 12)], ids=["square", "contrast"]
)
def test_a_network_of_another_seed_sees_as_the_one_that_it_loads(view, sheet):
    first, other = (network_of(view(sheet()), seed) for seed in (3, 4))
    before, after = first.layer("retina"), other.layer("retina")
    assert not torch.equal(before.geometry.sample(IMAGES), after.geometry.sample(IMAGES))
    other.load_state_dict(first.state_dict())
    assert torch.equal(before.positions, after.positions)
    assert torch.equal(before.geometry.positions, after.geometry.positions)
    assert torch.equal(before.geometry.sample(IMAGES), after.geometry.sample(IMAGES))


@pytest.mark.parametrize("name", ["damaged", "scrambled", "both"])
def test_nodes_that_are_moved_see_from_where_they_are(name):
    sheet = VIEWS[name](SHEETS["square"])
    moved = sheet.moved(sheet.positions.flip(0))
    torch.testing.assert_close(moved.sample(IMAGES), sheet.sample(IMAGES).flip(1))
    assert torch.equal(sheet.positions, VIEWS[name](SHEETS["square"]).positions)
