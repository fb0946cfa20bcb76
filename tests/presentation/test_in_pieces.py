"""Presentations in pieces of time against presentations at once: features, rates and gradients."""

from functools import partial

import pytest
import torch
from helpers.networks import drive, network_of

from lightning_snn import Dense
from lightning_snn.core.batches import Sequences
from lightning_snn.encoders import Frames
from lightning_snn.network.pieces import Pieces
from lightning_snn.presentation.present import NETWORK, present

LATE = {"delay": 2.0, "trainable": True}


@pytest.fixture
def show():
    """``show(pieces, **options)``: what sequences evoke in a loop with delays and in another network."""
    net = network_of(["a_b", "b_c", "c_b"], synapses=LATE).double()
    for layer in net.layers.values():
        layer.neuron.compiled = False
    other = Dense(10, 8, gain=12.0, seed=5, **LATE).double()
    late = Dense(12, 10, gain=12.0, seed=6, **LATE).double()
    controls = {"above": {"b_c": other}, "below": {"a_b": late}}
    inputs = drive(30, 3, dtype=torch.float64).transpose(0, 1)
    encoders = {"a": Frames()}

    def run(pieces=None, *, lengths=None, **options):
        given = inputs if lengths is None else Sequences(inputs, torch.tensor(lengths))
        options = {"tau_trace": None, **options}
        shown = present(given, net, encoders, read_from="c", controls=controls, pieces=pieces, **options)
        weights = [net.connection("a_b").weighted().weight, other.weight, late.weight]
        total = sum(one.square().sum() for one in shown.features.values()) + shown.rates["b"].square().mean()
        return shown, torch.autograd.grad(total, weights)

    return run


@pytest.mark.parametrize("lengths", [None, [30, 7, 13]])
@pytest.mark.parametrize("tau", [None, 6.0])
@pytest.mark.parametrize("over_time", [(), (NETWORK, "below")])
def test_features_rates_and_gradients(show, lengths, tau, over_time):
    run = partial(show, lengths=lengths, tau_trace=tau, over_time=over_time)
    (expected, gradients), (found, again) = run(), run(Pieces(checkpoint_steps=7))
    same = partial(torch.testing.assert_close, rtol=1e-5, atol=1e-8)  # what a spike counts is in float32
    assert list(found.features) == [NETWORK, "above", "below"]
    for name, features in expected.features.items():
        assert features.any()
        same(found.features[name], features)
    for name, rates in expected.rates.items():
        same(found.rates[name], rates)
    same(found.rate, expected.rate)
    assert torch.equal(found.sparsity, expected.sparsity)
    for one, other in zip(again, gradients, strict=True):
        assert other.any()
        same(one, other)


def test_gradients_that_are_cut_off_are_others(show):
    (_, whole), (_, cut) = show(), show(Pieces(truncate_steps=7))
    assert not any(torch.allclose(one, other) for one, other in zip(whole, cut, strict=True))
    _, not_at_all = show(Pieces(truncate_steps=30))
    assert all(torch.allclose(one, other) for one, other in zip(whole, not_at_all, strict=True))
