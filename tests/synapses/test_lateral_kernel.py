import math

import pytest
import torch

from lightning_snn.geometry import Disk, Square, Torus
from lightning_snn.synapses import LateralKernel

SHEETS = {
    "square": Square(60, 6.0, seed=0),
    "torus": Torus(60, 6.0, seed=0),
    "dense": Square(90, 4.0, seed=0),
    "ring": Disk(80, 4.0, 2.0, seed=0),
}


def coupling_loop(sheet, e, r_e, g, r_i, decay_length):
    distances = sheet.distances().tolist()
    scaled = e * 1.91 * sheet.area / sheet.num_nodes
    return [
        [
            0.0 if i == j else scaled * (d < r_e) - g * (d > r_i) * math.exp(-d / decay_length)
            for j, d in enumerate(row)
        ]
        for i, row in enumerate(distances)
    ]


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
@pytest.mark.parametrize("constants", [(5.0, 2.0, 2.0, 2.5, 10.0), (3.0, 1.5, 0.7, 1.0, 4.0)])
def test_coupling_equals_a_plain_loop(sheet, constants):
    matrix = LateralKernel(*constants).matrix(sheet)
    torch.testing.assert_close(matrix, torch.tensor(coupling_loop(sheet, *constants)), rtol=1e-5, atol=1e-6)
    assert torch.equal(matrix, matrix.t())
    assert torch.equal(matrix.diagonal(), torch.zeros(sheet.num_nodes))
    assert (matrix > 0).any()
    assert (matrix < 0).any()


def test_torus_couples_across_its_edge():
    kernel = LateralKernel(inhibition_range=2.5)
    flat, wrapped = (kernel.matrix(kind(60, 6.0, seed=0)) for kind in (Square, Torus))
    across = (wrapped > 0) & (flat <= 0)
    assert across.sum() > 50
    assert not ((flat > 0) & (wrapped <= 0)).any()


@pytest.mark.parametrize("num_nodes", [400, 800, 1600])
def test_excitation_times_density_is_constant(num_nodes):
    sheet = Square(num_nodes, 14.0)
    strength = LateralKernel(inhibition_range=8.0).matrix(sheet).max().item()
    assert strength * sheet.density == pytest.approx(5 * 1.91, rel=1e-5)


def test_inhibition_does_not_depend_on_density():
    kernel = LateralKernel(excitation=0.0, inhibition_range=2.0)
    sheet = Square(900, 14.0)
    matrix, distances = kernel.matrix(sheet), sheet.distances()
    far = distances > 2.0
    torch.testing.assert_close(matrix[far], -2 * torch.exp(-distances[far] / 10))
    assert not matrix[~far].any()


def test_a_sheet_smaller_than_the_inhibition_is_refused():
    with pytest.raises(ValueError, match=r"geometry is too small for lateral.inhibition_range = 8.0.*apart"):
        LateralKernel().matrix(Square(300, 5.0))


def test_a_sheet_with_few_neighbours_is_refused():
    with pytest.raises(
        ValueError, match=r"too thin for lateral.excitation_range = 2.0.*at least 3 are needed"
    ):
        LateralKernel().matrix(Square(30, 20.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"excitation": -1.0}, "excitation must be a finite number, 0 or above, got -1.0"),
        ({"inhibition": math.nan}, "inhibition must be a finite number, 0 or above, got nan"),
        ({"excitation_range": 0.0}, "excitation_range must be a finite number above 0"),
        ({"inhibition_range": -8.0}, "inhibition_range must be a finite number above 0"),
        ({"decay_length": 0.0}, "decay_length must be a finite number above 0"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        LateralKernel(**options)
