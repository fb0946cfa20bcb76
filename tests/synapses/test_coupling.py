import pytest
import torch
from helpers.kernels import on_both, with_threads
from helpers.tensors import spikes_of

from lightning_snn import (
    Disk,
    Izhikevich,
    LateralKernel,
    Points,
    SpikingLayer,
    SpikingNetwork,
    SpontaneousWaves,
    Square,
    Torus,
)
from lightning_snn.synapses.coupling import DenseCoupling, MeshCoupling

FLAT = {
    "square": Square(1000, 23.0, seed=0),
    "large": Square(1500, 60.0, seed=0),
    "disk": Disk(1000, 13.0, seed=0),
    "points": Points(23 * torch.rand(1000, 2, generator=torch.Generator().manual_seed(0))),
}
KERNELS = {
    "default": {},
    "short inhibition": {"inhibition_range": 4.0},
    "short decay": {"decay_length": 5.0},
    "long decay": {"decay_length": 20.0},
    "long excitation": {"excitation_range": 9.0, "excitation": 0.5},
}


def pairs(sheet, **options):
    """Coupling of each pair by the mesh and by the formula, and the scale of its long-range part."""
    kernel = LateralKernel(**options, storage="mesh")
    coupling = kernel.couple(sheet)
    assert isinstance(coupling, MeshCoupling)
    scale = kernel.inhibition * torch.exp(-sheet.distances() / kernel.decay_length)
    return coupling(torch.eye(sheet.num_nodes)), kernel.matrix(sheet), scale


def at_a_range(sheet, **options):
    """Pairs whose distance is a range of the kernel up to rounding: they may count on either side."""
    kernel = LateralKernel(**options)
    distance = sheet.distances()
    ranges = (kernel.excitation_range, kernel.inhibition_range)
    return torch.stack([(distance - r).abs() < 1e-5 for r in ranges]).any(0)


@pytest.mark.parametrize("options", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize("sheet", FLAT.values(), ids=FLAT)
def test_every_pair_on_a_flat_sheet_is_within_the_stated_bound(sheet, options):
    found, exact, scale = pairs(sheet, **options)
    within = (found - exact).abs() <= 0.005 * scale + 2e-6
    assert (within | at_a_range(sheet, **options)).all()
    assert (exact < 0).float().mean() > 0.1


@pytest.mark.parametrize("options", KERNELS.values(), ids=KERNELS)
def test_on_a_torus_the_kink_of_the_wrapped_distance_costs_more(options):
    sheet = Torus(1500, 40.0)
    found, exact, scale = pairs(sheet, **options)
    error = (found - exact).abs()
    offset = sheet.displacement(sheet.positions[:, None] - sheet.positions).abs().amax(-1)
    kinked = offset > sheet.side / 2 - 2 * LateralKernel(**options).decay_length / 5 - 1
    unclear = at_a_range(sheet, **options)
    assert ((error <= 0.12 * scale + 2e-6) | unclear).all()
    assert ((error <= 0.005 * scale + 2e-6) | kinked | unclear).all()


def test_the_sum_over_many_spikes():
    sheet = FLAT["square"]
    spikes = spikes_of(3, 1000, share=0.03, seed=1)
    kernel = LateralKernel(storage="mesh")
    expected = spikes @ kernel.matrix(sheet)
    assert expected.abs().max() > 5
    clear = spikes @ at_a_range(sheet).float() == 0
    assert clear.float().mean() > 0.9
    for dt in (1.0, 0.5):
        found = kernel.couple(sheet).transmit(spikes[None], dt=dt)[0][0]
        torch.testing.assert_close(found[clear], expected[clear] / dt, rtol=0, atol=0.05 / dt)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("sheet", [FLAT["square"], Torus(1000, 23.0, seed=0)], ids=["square", "torus"])
def test_kernels_equal_the_reference_bit_for_bit(sheet, threads):
    coupling = LateralKernel(storage="mesh").couple(sheet)
    spikes = spikes_of(3, 1000, share=0.03, seed=1)
    spikes[1] = 0
    plain, fused = with_threads(threads, lambda: on_both(lambda: coupling(spikes)))
    assert torch.equal(fused, plain)


def test_storage_by_size():
    kernel = LateralKernel()
    assert isinstance(kernel.couple(Square(1500, 28.0)), DenseCoupling)
    assert isinstance(kernel.couple(Square(5000, 51.0)), MeshCoupling)
    assert isinstance(LateralKernel(storage="dense").couple(Square(5000, 51.0)), DenseCoupling)
    with pytest.raises(ValueError, match="storage must be one of auto, dense, mesh, got 'sparse'"):
        LateralKernel(storage="sparse")


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        (Square(300, 5.0), "too small for lateral.inhibition_range"),
        (Square(30, 20.0), "too thin for lateral"),
    ],
)
def test_a_mesh_checks_the_sheet_as_the_matrix_does(sheet, message):
    for storage in ("dense", "mesh"):
        with pytest.raises(ValueError, match=message):
            LateralKernel(storage=storage).couple(sheet)


def waves(storage, num_nodes, side, steps):
    layer = SpikingLayer(
        Square(num_nodes, side, seed=2),
        Izhikevich("heterogeneous", seed=2),
        lateral=LateralKernel(storage=storage),
    )
    network = SpikingNetwork({"sheet": layer})
    stimulus = SpontaneousWaves(seed=2)
    noise = stimulus.currents(network, "sheet_lateral", steps=steps, streams=range(6), round_number=0)
    return network.run(noise)[0]["sheet"]


def test_waves_of_a_sheet_are_alike_with_either_storage():
    dense, mesh = (waves(storage, 5000, 51.0, 600) for storage in ("dense", "mesh"))
    assert torch.equal(mesh[:50], dense[:50])  # later, rounding tells
    rates = [spikes[200:].sum(2).mean() for spikes in (dense, mesh)]
    assert rates[0] > 20
    assert rates[1] == pytest.approx(rates[0].item(), rel=0.15)
