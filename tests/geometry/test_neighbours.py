import pytest
import torch

from lightning_snn import Disk, Points, Square, Torus
from lightning_snn.geometry.neighbours import neighbours

SHEETS = {
    "square": Square(400, 12.0, seed=0),
    "small": Square(3, 1.0, seed=0),
    "torus": Torus(400, 12.0, seed=0),
    "torus of a few cells": Torus(400, 5.0, seed=0),
    "ring": Disk(400, 6.0, 2.0, seed=0),
    "points": Points(torch.randn(300, 2, generator=torch.Generator().manual_seed(0))),
}


@pytest.mark.parametrize("radius", [0.5, 2.5, 9.0, 30.0])
@pytest.mark.parametrize("name", SHEETS)
def test_the_cells_find_what_all_pairs_say(name, radius):
    sheet = SHEETS[name]
    found = neighbours(sheet, radius)
    distance = sheet.distances()
    near = (distance < radius).fill_diagonal_(False)
    source, target = near.nonzero(as_tuple=True)
    assert torch.equal(found.starts.diff(), near.sum(1))
    assert torch.equal(found.targets.long(), target)
    torch.testing.assert_close(found.distance, distance[source, target])


def test_blocks_of_nodes_change_nothing(monkeypatch):
    whole = neighbours(SHEETS["torus"], 2.0)
    monkeypatch.setattr("lightning_snn.geometry.neighbours.BLOCK", 7)
    for a, b in zip(whole, neighbours(SHEETS["torus"], 2.0), strict=True):
        assert torch.equal(a, b)


def test_a_radius_must_be_positive():
    with pytest.raises(ValueError, match="radius must be a finite number above 0, got 0"):
        neighbours(SHEETS["square"], 0.0)
