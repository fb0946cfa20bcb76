import pytest
import torch

from lightning_snn.geometry import Disk, Square, Torus
from lightning_snn.plasticity import STDP
from lightning_snn.synapses import Dense, ListedFields, RoundFields
from lightning_snn.synapses.fields import within

SHEETS = {
    "square": Square(150, 10.0, seed=0),
    "torus": Torus(150, 10.0, seed=0),
    "disk": Disk(150, 5.0, seed=0),
}


def near_by_loop(sheet, centres, radius):
    distances = sheet.distances(centres)
    return [[n for n in range(sheet.num_nodes) if distances[n, p] < radius] for p in range(len(centres))]


@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize("radius", [1.5, 3.0, 7.0])
def test_disks_hold_the_nodes_within_the_radius(name, radius):
    sheet = SHEETS[name]
    found = RoundFields(radius, 9).nodes(150, sheet)
    assert [field.tolist() for field in found] == near_by_loop(sheet, sheet.even_positions(9), radius)


@pytest.mark.parametrize("name", SHEETS)
def test_centres_may_lie_outside_the_sheet(name):
    generator = torch.Generator().manual_seed(0)
    centres = 16 * torch.rand(200, 2, generator=generator) - 3
    expected = near_by_loop(SHEETS[name], centres, 2.5)
    seen = [p for p, nodes in enumerate(expected) if nodes]
    assert name == "torus" or len(seen) < 200
    found = within(SHEETS[name], centres[seen], 2.5)
    assert [field.tolist() for field in found] == [expected[p] for p in seen]


def test_fields_that_waves_have_found():
    projection = Dense(6, 2, rule=STDP())
    projection.rewire({"weight": torch.tensor([[0.5, 0, 0, 0.9, 0, 0], [0, 0.1, 0, 0, 0.4, 0]])})
    fields = ListedFields.of(projection)
    assert [field.tolist() for field in fields.nodes(6, None)] == [[0, 3], [4]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RoundFields(0.0, 4), "radius must be a finite number above 0, got 0.0"),
        (lambda: RoundFields(1.0, 0), "num_fields must be a whole number above 0, got 0"),
        (lambda: RoundFields(1.0, 4).nodes(9, None), "fields.RoundFields needs the sheet below"),
        (
            lambda: RoundFields(1.0, 4).nodes(9, SHEETS["square"]),
            "below must have 9 nodes, got a sheet of 150",
        ),
        (
            lambda: RoundFields(0.05, 4).nodes(150, SHEETS["square"]),
            r"radius = 0.05 is too small: no node .* of place 0 at \(2.5, 2.5\), nor of 3 others",
        ),
        (lambda: ListedFields([]), "fields must hold at least one field, got none"),
        (lambda: ListedFields([[1], []]), r"got \[\] as field 1"),
        (lambda: ListedFields([[1, 1]]), r"got \[1, 1\] as field 0"),
        (lambda: ListedFields([[1, 6]]).nodes(6, None), "fields must name nodes 0 to 5 .*, got 6"),
        (lambda: ListedFields([[-1, 3]]).nodes(6, None), "fields must name nodes 0 to 5 .*, got -1"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
