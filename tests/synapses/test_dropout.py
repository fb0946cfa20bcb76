"""Dropout that is fixed over time: one mask a sequence, however it is cut, in loops too."""

from functools import partial

import pytest
import torch
from helpers.tensors import spikes_of

from lightning_snn.geometry import Maps, Square
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, Relay
from lightning_snn.synapses import (
    Columns,
    Conv2d,
    Dense,
    ExponentialCurrent,
    ListedFields,
    Pool2d,
)

PROJECTIONS = {
    "dense": partial(Dense, 32, 6, trainable=True),
    "columns": partial(Columns, 32, 6, fields=ListedFields([[0, 1], [2, 30, 31]])),
    "conv": partial(Conv2d, 32, 18, in_shape=(2, 4, 4), kernel_size=2),
    "pool": partial(Pool2d, 32, 8, in_shape=(2, 4, 4), kernel_size=2, mode="sum"),
}
SPIKES = spikes_of(7, 3, 32)


@pytest.mark.parametrize("kind", PROJECTIONS)
@pytest.mark.parametrize("options", [{}, {"delay": 2.0, "kinetics": ExponentialCurrent(4.0)}])
def test_one_mask_leaves_out_neurons_of_the_source(kind, options):
    plain = PROJECTIONS[kind](seed=0, **options) if kind != "pool" else PROJECTIONS[kind](**options)
    dropping = plain.again(dropout=0.4)
    torch.manual_seed(0)
    found, state = dropping.transmit(SPIKES, dt=1.0)
    mask = state["kept"]
    assert mask.unique().tolist() == pytest.approx([0.0, 1 / 0.6])
    assert not torch.equal(mask[0], mask[1])
    expected, end = plain.transmit(SPIKES * mask, dt=1.0)
    torch.testing.assert_close(found, expected)
    for length in (1, 3):
        torch.manual_seed(0)
        state, parts = None, []
        for part in SPIKES.split(length):
            current, state = dropping.transmit(part, state, dt=1.0)
            parts.append(current)
        torch.testing.assert_close(torch.cat(parts), found)
        assert state.keys() == end.keys() | {"kept"}
    assert dropping.eval().transmit(SPIKES, state, dt=1.0)[1].keys() == end.keys()
    torch.testing.assert_close(dropping.transmit(SPIKES, dt=1.0)[0], plain.transmit(SPIKES, dt=1.0)[0])


def test_the_mean_over_masks_is_what_arrives_without():
    dense = Dense(32, 6, seed=0, dropout=0.3)
    spikes = SPIKES[:2, :1].expand(2, 4000, 32)
    torch.manual_seed(0)
    found = dense.transmit(spikes, dt=1.0)[0].mean(1)
    expected = dense.eval().transmit(spikes[:, :1], dt=1.0)[0][:, 0]
    torch.testing.assert_close(found, expected, atol=0.05, rtol=0.05)


def network(dt=0.5, **options):
    make = partial(Dense, trainable=True, dropout=0.5, **options)
    layers = {
        "input": SpikingLayer(Maps(2, 4, 4), Relay()),
        "loop": SpikingLayer(Square(12, side=2.0), LIF(5.0), projection=make, lateral=make),
    }
    net = SpikingNetwork(layers, dt=dt, seed=0)
    net.projections["loop"].weight.data.abs_().mul_(10)
    return net


@pytest.mark.parametrize("delay", [None, 2.0])
def test_runs_in_pieces_have_the_masks_of_one_run(delay):
    net = network(delay=delay)
    torch.manual_seed(1)
    whole, end = net({"input": SPIKES})
    assert 0 < whole["loop"].mean() < 1
    assert end.connections["loop_lateral"]["kept"].shape == (3, 12)
    for length in (1, 3):
        torch.manual_seed(1)
        state, parts = None, []
        for part in SPIKES.split(length):
            spikes, state = net({"input": part}, state)
            parts.append(spikes["loop"])
        assert torch.equal(torch.cat(parts), whole["loop"])
        for name, synapses in end.connections.items():
            assert torch.equal(state.connections[name]["kept"], synapses["kept"])


def test_a_generator_draws_the_masks_and_evaluation_none():
    net = network()
    runs = [net({"input": SPIKES}, generator=torch.Generator().manual_seed(k))[1] for k in (0, 0, 1)]
    masks = [run.connections["loop"]["kept"] for run in runs]
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])
    before = torch.get_rng_state()
    _, state = net.eval()({"input": SPIKES})
    assert torch.equal(torch.get_rng_state(), before)
    assert "kept" not in state.connections["loop"]


def test_gradients_reach_what_is_kept_alone():
    dense = PROJECTIONS["dense"](dropout=0.5)
    spikes = torch.rand(4, 3, 32, requires_grad=True)
    current, state = dense.transmit(spikes, dt=1.0)
    current.square().sum().backward()
    kept = (state["kept"] > 0).expand_as(spikes)
    assert spikes.grad[kept].all()
    assert not spikes.grad[~kept].any()


def test_recording_changes_no_mask():
    net = network(kinetics=ExponentialCurrent(3.0))
    torch.manual_seed(2)
    plain, _ = net({"input": SPIKES})
    torch.manual_seed(2)
    found, state, recorded = net({"input": SPIKES}, record={"loop_lateral": ["current", "kinetics_current"]})
    assert torch.equal(found["loop"], plain["loop"])
    assert recorded["loop_lateral"]["current"].any()
    assert "kept" in state.connections["loop"]


def test_what_it_refuses():
    for share in (-0.1, 1.0, float("nan"), "much"):
        with pytest.raises(ValueError, match="dropout must be at least 0 and below 1"):
            Dense(4, 3, dropout=share)
    dense = Dense(32, 6, dropout=0.5)
    _, state = dense.transmit(SPIKES, dt=1.0)
    with pytest.raises(ValueError, match=r"state\.kept must be \[1, 32\]"):
        dense.transmit(SPIKES[:, :1], state, dt=1.0)
