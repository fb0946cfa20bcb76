"""TEBN and layer normalisation: values, loops, and what they refuse."""

from functools import partial

import pytest
import torch
from helpers.tensors import spikes_of

from lightning_snn.geometry import Square
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, Relay
from lightning_snn.synapses import TEBN, Conv2d, Dense, LayerNorm, Normalisation, TDBatchNorm

CONV = partial(Conv2d, 32, 27, in_shape=(2, 4, 4), kernel_size=2, trainable=True)
SPIKES = spikes_of(5, 4, 32)


def test_tebn_is_tdbn_times_a_factor_of_each_step():
    factors = torch.linspace(0.5, 1.5, 5)
    tdbn, tebn = CONV(seed=0, norm=TDBatchNorm(scale=2.0)), CONV(seed=0, norm=TEBN(5, scale=2.0))
    expected, _ = tdbn.transmit(SPIKES, dt=1.0)
    assert torch.equal(tebn.transmit(SPIKES, dt=1.0)[0], expected)
    tebn.norm.step_weight.data.copy_(factors)
    found, _ = tebn.transmit(SPIKES, dt=0.5)
    torch.testing.assert_close(found, 2 * factors[:, None, None] * expected)
    found.square().sum().backward()
    by_step = 2 * (4 * factors * expected.detach().square().sum((1, 2)))
    torch.testing.assert_close(tebn.norm.step_weight.grad, by_step)


def test_tebn_takes_sequences_of_its_length_alone():
    with pytest.raises(ValueError, match=r"TEBN has weights for num_steps = 4 steps .* got a sequence of 5"):
        CONV(norm=TEBN(4)).transmit(SPIKES, dt=1.0)
    with pytest.raises(ValueError, match="num_steps must"):
        TEBN(0)


@pytest.mark.parametrize("over", ["neurons", "channels"])
@pytest.mark.parametrize("training", [True, False])
def test_layer_norm_of_maps(over, training):
    projection = CONV(seed=0, norm=LayerNorm(over, alpha=0.5, scale=4.0)).train(training)
    found, _ = projection.transmit(SPIKES, dt=0.5)
    charge = CONV(seed=0)(SPIKES).reshape(5, 4, 3, 9)
    axes = (2, 3) if over == "neurons" else (2,)
    centred = charge - charge.mean(axes, keepdim=True)
    expected = 2 * centred / (charge.var(axes, correction=0, keepdim=True) + 1e-5).sqrt() / 0.5
    torch.testing.assert_close(found, expected.reshape(found.shape), rtol=1e-4, atol=1e-4)
    parts = [projection.transmit(part, dt=0.5)[0] for part in SPIKES.split(1)]
    torch.testing.assert_close(torch.cat(parts), found)


@pytest.mark.parametrize("over", ["neurons", "channels"])
def test_gradients_are_those_of_finite_differences(over):
    projection = CONV(seed=0, norm=LayerNorm(over)).double()
    spikes = torch.rand(2, 2, 32, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: projection.transmit(x, dt=1.0)[0], [spikes])
    found, _ = projection.transmit(spikes, dt=1.0)
    found.square().sum().backward()
    assert all(p.grad.any() for p in projection.norm.parameters())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("norm", [LayerNorm(), LayerNorm("channels"), TEBN(5)])
def test_half_precision(norm, dtype):
    projection = CONV(seed=0, norm=norm)
    expected, _ = projection.transmit(SPIKES, dt=1.0)
    with torch.autocast("cpu", dtype):
        current, _ = projection.transmit(SPIKES, dt=1.0)
        current.float().sum().backward()
    torch.testing.assert_close(current.float(), expected, atol=0.05, rtol=0.05)


def recurrent(norm, dt):
    lateral = partial(Dense, trainable=True, norm=norm)
    layers = {
        "input": SpikingLayer(Square(6, side=2.0), Relay()),
        "loop": SpikingLayer(
            Square(8, side=2.0), LIF(5.0), projection=partial(Dense, trainable=True), lateral=lateral
        ),
    }
    return SpikingNetwork(layers, dt=dt, seed=0)


@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_a_loop_may_lead_through_a_layer_norm(dt):
    net = recurrent(LayerNorm(), dt)
    net.projections["loop"].weight.data.abs_().mul_(20)
    given = spikes_of(6, 2, 6)
    whole, end = net({"input": given})
    state, parts = None, []
    for part in given.split(2):
        spikes, state = net({"input": part}, state)
        parts.append(spikes["loop"])
    assert 0 < whole["loop"].mean() < 1
    assert torch.equal(torch.cat(parts), whole["loop"])
    assert torch.equal(state.layers["loop"].neurons.v, end.layers["loop"].neurons.v)
    whole["loop"].sum().backward()
    assert net.projections["loop_lateral"].norm.norm.weight.grad.any()
    assert net.projections["loop_lateral"].weight.grad.any()


class OfASample(Normalisation):
    """A norm of one's own."""

    def make(self, channels):
        return torch.nn.InstanceNorm1d(channels, affine=True)


def test_a_norm_of_ones_own():
    found, _ = CONV(norm=OfASample(alpha=2.0)).transmit(SPIKES, dt=1.0)
    deviation = found.reshape(5, 4, 3, 9).std(-1, correction=0)
    torch.testing.assert_close(deviation, torch.full_like(deviation, 2.0), rtol=0.05, atol=0.05)
    with pytest.raises(ValueError, match="Dense with norm OfASample must see a whole sequence at once"):
        recurrent(OfASample(), 1.0)


def test_what_it_refuses():
    with pytest.raises(ValueError, match="over must be one of channels, neurons, got 'maps'"):
        LayerNorm("maps")
    with pytest.raises(ValueError, match="LayerNorm over channels needs more than one of them, got 1"):
        Conv2d(16, 9, in_shape=(1, 4, 4), kernel_size=2, norm=LayerNorm("channels"))
