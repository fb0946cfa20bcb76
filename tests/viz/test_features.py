import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from lightning_snn import Square, Torus, viz


def fields_of(sheet, count=9, size=30):
    distances = sheet.distances(sheet.even_positions(count)).t()
    return distances.argsort(1)[:, :size].sort(1).values


def drawn(figure):
    """The figure once rendered: the sheet, and the panels of the units in rows."""
    figure.canvas.draw()
    sheet, *panels = figure.axes
    rows = [axes for axes in panels if axes.get_ylabel()]
    return sheet, np.array(panels).reshape(len(rows), -1)


@pytest.fixture
def sheet():
    return Square(400, 20.0, seed=0)


@pytest.fixture
def weight():
    return torch.rand(9, 5, 30, generator=torch.Generator().manual_seed(1))


def test_each_weight_is_drawn_at_the_place_of_its_node(sheet, weight):
    nodes = fields_of(sheet)
    left, panels = drawn(viz.preferred_features(weight, nodes, sheet.positions, num_fields=9, num_units=4))
    assert panels.shape == (9, 4)
    for row, axes in enumerate(panels):  # the grid of all nine is in the order of the fields
        place = sheet.positions[nodes[row]]
        centre = torch.from_numpy(np.median(place.numpy(), axis=0))
        for unit, panel in enumerate(axes):
            (dots,) = panel.collections
            order = weight[row, unit].argsort()
            assert_allclose(dots.get_offsets(), (place - centre)[order], atol=1e-5)
            assert_allclose(dots.get_array(), weight[row, unit][order])
            assert dots.get_clim() == (0, pytest.approx(weight[row, unit].max().item()))
            assert panel.get_xlim() == panels[0, 0].get_xlim() == panel.get_ylim()[::-1]
    everything, *fields = left.collections
    assert_allclose(everything.get_offsets(), sheet.positions)
    for row, field in enumerate(fields):
        assert_allclose(field.get_offsets(), sheet.positions[nodes[row]])
    assert left.get_title() == "9 of 9 fields (+: the middle of each)"


def test_some_fields_are_spread_over_the_sheet(sheet):
    nodes = fields_of(sheet, count=64, size=12)
    left, panels = drawn(viz.preferred_features(torch.rand(64, 20, 12), nodes, sheet.positions))
    assert panels.shape == (6, 12)
    middles = [np.median(field.get_offsets().data, axis=0) for field in left.collections[1:]]
    apart = np.linalg.norm(np.array(middles)[:, None] - np.array(middles), axis=-1)
    assert apart[~np.eye(6, dtype=bool)].min() > 4.5
    assert len({tuple(middle) for middle in middles}) == 6


def test_fields_of_several_lengths_and_negative_weights(sheet, weight):
    nodes = fields_of(sheet)
    nodes[4, 25:] = 400  # it has ended
    weight[4, 0, 3], weight[4, 1] = -2.0, 0.0
    _, panels = drawn(viz.preferred_features(weight, nodes, sheet.positions, num_fields=9))
    (dots,), (blank,) = panels[4, 0].collections, panels[4, 1].collections
    assert len(dots.get_offsets()) == 25
    assert dots.get_clim() == (-2.0, pytest.approx(weight[4, 0, :25].max().item()))
    assert blank.get_clim() == (0.0, 1.0)


def test_a_field_across_the_edge_of_a_torus_stays_in_one_piece():
    sheet = Torus(400, 20.0, seed=0)
    nodes = sheet.distances(torch.tensor([[0.0, 0.0], [10.0, 10.0]])).t().argsort(1)[:, :30]
    weight = torch.rand(2, 3, 30)
    left, panels = drawn(viz.preferred_features(weight, nodes, sheet.positions, period=20.0))
    _, apart = drawn(viz.preferred_features(weight, nodes, sheet.positions))
    for row in panels:
        assert np.ptp(row[0].collections[0].get_offsets(), axis=0).max() < 8
    assert max(np.ptp(row[0].collections[0].get_offsets(), axis=0).max() for row in apart) > 15
    every = np.concatenate([field.get_offsets().data for field in left.collections[1:]])
    assert every.min() >= 0
    assert every.max() <= 20


def test_errors_name_the_argument(sheet, weight):
    nodes, place = fields_of(sheet), sheet.positions
    with pytest.raises(ValueError, match=r"weight must be \[9, K, 30\] as nodes are, got \[9, 30\]"):
        viz.preferred_features(weight[:, 0], nodes, place)
    with pytest.raises(ValueError, match=r"weight must be \[9, K, 30\] as nodes are, got \[9, 5, 29\]"):
        viz.preferred_features(weight[..., 1:], nodes, place)
    with pytest.raises(ValueError, match="nodes must be 0 to 400, got 0 to 401"):
        viz.preferred_features(weight, torch.where(nodes == nodes.max(), 401, nodes.clamp_min(0) * 0), place)
    with pytest.raises(ValueError, match="num_units must be a whole number above 0, got 0"):
        viz.preferred_features(weight, nodes, place, num_units=0)
