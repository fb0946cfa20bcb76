"""How many nodes fire is judged by a few of them; either way the sums are the same."""

import pytest
import torch

from lightning_snn.synapses import sums


def maps(width, *, inside, border):
    """Spikes of 64 maps, of which shares fire inside and at the border."""
    draw = torch.rand(640, 64, width, width, generator=torch.Generator().manual_seed(0))
    share = torch.full((width, width), border)
    share[1:-1, 1:-1] = inside
    return (draw < share).float().flatten(1)


@pytest.mark.parametrize("width", [5, 7, 8, 11, 13, 14, 17, 20])
def test_a_few_nodes_stand_for_all_of_maps(width):
    assert not sums._is_sparse(maps(width, inside=0.6, border=0.0))
    assert sums._is_sparse(maps(width, inside=0.02, border=0.05))


@pytest.mark.parametrize("share", [0.02, 0.5])
@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 2, 30), (640, 3136)])
def test_both_ways_give_the_product(shape, share):
    generator = torch.Generator().manual_seed(1)
    spikes = (torch.rand(shape, generator=generator) < share).float().requires_grad_()
    weight = torch.randn(4, shape[-1], generator=generator).requires_grad_()
    found = sums.product(spikes, weight=weight, rows=lambda: weight.t().contiguous())
    plain = spikes @ weight.t()
    torch.testing.assert_close(found, plain, rtol=1e-4, atol=1e-4)
    to = torch.randn(plain.shape, generator=generator)
    for a, b in zip(*(torch.autograd.grad(x, (spikes, weight), to) for x in (found, plain)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-3)
