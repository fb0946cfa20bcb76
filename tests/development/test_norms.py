"""What acts otherwise in training does not act in the self-organisation."""

from functools import partial

import pytest
import torch

from lightning_snn import (
    LIF,
    STDP,
    Dense,
    LateralKernel,
    SpikingLayer,
    SpikingNetwork,
    Square,
    TDBatchNorm,
    self_organize,
)


def wired(**options):
    """A small network after a few rounds, and its first weights."""
    make = partial(Dense, rule=STDP(), gain=40.0, **options)
    lateral = LateralKernel(inhibition_range=5.0)
    network = SpikingNetwork(
        {
            "retina": SpikingLayer(Square(100, side=10.0), LIF(10.0), lateral=lateral),
            "lgn": SpikingLayer(Square(9, side=10.0), LIF(10.0), projection=make),
        },
        seed=0,
    )
    before = network.projections["lgn"].weight.clone()
    self_organize(network, num_streams=2, chunk=100, max_steps=600, stop_at=0.0)
    return network, before


@pytest.mark.filterwarnings("ignore")
def test_norms_keep_their_statistics_and_dropout_leaves_nothing_out():
    plain, before = wired()
    assert not torch.equal(plain.projections["lgn"].weight, before)
    dropping, _ = wired(dropout=0.5)
    assert torch.equal(dropping.projections["lgn"].weight, plain.projections["lgn"].weight)
    normed, _ = wired(norm=TDBatchNorm())
    norm = normed.projections["lgn"].norm
    assert norm.training
    assert norm.norm.training
    assert int(norm.norm.num_batches_tracked) == 0
    assert not torch.equal(normed.projections["lgn"].weight, before)
