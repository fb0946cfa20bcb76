"""Spike-element-wise residual blocks: a network of layers and connections against plain PyTorch."""

import math
from functools import partial

import pytest
import torch
from helpers.tensors import spikes_of
from torch.nn import functional as F

from lightning_snn import spike
from lightning_snn.geometry import Maps, Square
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, SEW, Relay
from lightning_snn.neurons.threshold import threshold_charge
from lightning_snn.synapses import Conv2d, OneToOne, TDBatchNorm

TAU = 2.0
COMBINE = {
    "add": lambda a, s: a + s,
    "and": lambda a, s: a * s,
    "iand": lambda a, s: (1 - a) * s,
}


def network(combine, dt=1.0):
    conv = partial(Conv2d, kernel_size=3, padding=1, trainable=True, norm=TDBatchNorm(2.0))
    maps = Maps(3, 5, 5)
    return SpikingNetwork(
        {
            "input": SpikingLayer(Maps(2, 5, 5), Relay()),
            "stem": SpikingLayer(maps, LIF(TAU), projection=conv),
            "first": SpikingLayer(maps, LIF(TAU), projection=conv),
            "second": SpikingLayer(maps, LIF(TAU), projection=conv),
            "block": SpikingLayer(maps, SEW(combine), projection=OneToOne),
        },
        {"skip": Connection("stem", "block", OneToOne, input="residual")},
        dt=dt,
        seed=0,
    )


def plain_layer(spikes, weight, dt):
    """Convolution, batch normalisation over time and batch, leaky neurons in a loop over steps."""
    steps, batch = spikes.shape[:2]
    charge = F.conv2d(spikes.flatten(0, 1), weight, padding=1)
    scale = 2 * threshold_charge(LIF(TAU, dt=dt), 1).to(charge).expand(weight.shape[0])
    charge = F.batch_norm(charge, None, None, scale, training=True)
    v, decay, found = 0.0, math.exp(-dt / TAU), []
    for x in charge.view(steps, batch, *charge.shape[1:]):
        current = x / dt
        v = current + (v - current) * decay
        sent = spike(v - 1, "atan")
        v = torch.where(sent.detach() > 0, 0.0, v)
        found.append(sent)
    return torch.stack(found)


@pytest.mark.parametrize("dt", [1.0, 0.5])
@pytest.mark.parametrize("combine", COMBINE)
def test_a_block_is_that_of_plain_pytorch(combine, dt):
    net = network(combine, dt).double()
    given = spikes_of(6, 2, 50, share=0.4).double()
    weights = {name: net.weighted[name].weight for name in ("stem", "first", "second")}
    kernels = {name: w.detach().view(3, -1, 3, 3).clone().requires_grad_() for name, w in weights.items()}
    found, _ = net(given / dt)
    stem = plain_layer(given.view(6, 2, 2, 5, 5), kernels["stem"], dt)
    first = plain_layer(stem, kernels["first"], dt)
    expected = COMBINE[combine](plain_layer(first, kernels["second"], dt), stem).flatten(2)
    assert 0.02 < expected.mean() < 0.98
    torch.testing.assert_close(found["block"], expected)
    aim = torch.rand(expected.shape, dtype=torch.float64)
    (found["block"] * aim).sum().backward()
    (expected * aim).sum().backward()
    for name, weight in weights.items():
        torch.testing.assert_close(weight.grad, kernels[name].grad.flatten(1), rtol=1e-5, atol=1e-6)
        assert weight.grad.any()


@pytest.mark.parametrize("combine", ["add", "iand"])
def test_a_silent_block_is_the_identity(combine):
    net = network(combine).eval()
    net.projections["second"].norm.norm.weight.data.zero_()
    net.projections["second"].norm.norm.bias.data.fill_(-1.0)
    net.projections["stem"].norm.norm.bias.data.fill_(2.0)
    spikes, _ = net(spikes_of(6, 2, 50))
    assert spikes["stem"].mean() > 0.1
    assert torch.equal(spikes["block"], spikes["stem"])


def test_one_to_one_passes_what_arrives():
    spikes = torch.randn(4, 2, 5)
    current, _ = OneToOne(5, 5, gain=2.0).transmit(spikes, dt=0.5)
    torch.testing.assert_close(current, 4 * spikes)
    delayed, _ = OneToOne(5, 5, delay=1.0).transmit(spikes, dt=0.5)
    torch.testing.assert_close(delayed[2:], 2 * spikes[:-2])
    assert not delayed[:2].any()


def test_what_is_refused():
    with pytest.raises(ValueError, match="OneToOne joins layers of one size, got 4 neurons"):
        OneToOne(4, 5)
    with pytest.raises(ValueError, match="combine must be one of add, and, iand, got 'or'"):
        SEW("or")
    layers = {name: SpikingLayer(Square(4, side=2.0), LIF()) for name in ("a", "b")}
    with pytest.raises(ValueError, match=r"connections\.skip\.input: LIF has no input 'residual'"):
        SpikingNetwork(layers, {"skip": Connection("a", "b", OneToOne, input="residual")})
