"""Currents that stay the same over a sequence: computed once, with the results of computing all of them."""

from functools import partial

import pytest
import torch
from helpers.kernels import interpreted
from helpers.tensors import assert_equal, rand, randn

import lightning_snn as snn
from lightning_snn import LIF, AdaptiveLIF, ConductanceLIF, Relay
from lightning_snn.ops import backend

STEPS, BATCH, NODES = 7, 3, 10


@pytest.mark.parametrize("backend_name", ["auto", "reference"])
@pytest.mark.parametrize(
    "make",
    [partial(LIF, 5.0), partial(LIF, 5.0, learn=["tau_mem"]), AdaptiveLIF, ConductanceLIF],
    ids=["LIF", "learned", "AdaptiveLIF", "ConductanceLIF"],
)
def test_neurons_take_one_step_of_a_current_for_many(make, backend_name):
    found = []
    for held in (True, False):
        model, current = make(), (30 * rand(BATCH, NODES)).requires_grad_()
        with backend.use(backend_name), interpreted():
            given = {"steps": STEPS} if held else {}
            spikes, end = model(current if held else current.expand(STEPS, BATCH, NODES), **given)
            total = (spikes * randn(STEPS, BATCH, NODES)).sum()
            gradients = torch.autograd.grad(total, [current, *model.parameters()])
        found.append(([spikes.detach(), *(x.detach() for x in end)], gradients))
    (one, own), (other, expected) = found
    assert one[0].any()
    assert_equal(one, other)
    for a, b in zip(own, expected, strict=True):
        assert b.any()
        torch.testing.assert_close(a, b)


def test_errors_of_a_number_of_steps():
    with pytest.raises(ValueError, match="steps must be"):
        LIF(5.0)(rand(BATCH, NODES), steps=0)
    with pytest.raises(ValueError, match=r"\[T, B, N\]"):
        LIF(5.0)(rand(NODES), steps=2)


def network_of(norm=None, *, dt=1.0, dropout=0.0, noise=0.0):
    make = partial(
        snn.Conv2d, kernel_size=3, padding=1, trainable=True, norm=norm, dropout=dropout, gain=20.0
    )
    layers = {
        "image": snn.SpikingLayer(snn.Maps(1, 6, 6), Relay()),
        "edges": snn.SpikingLayer(snn.Maps(2, 6, 6), LIF(5.0), projection=make, noise=noise),
    }
    return snn.SpikingNetwork(layers, dt=dt, seed=0)


NORMS = {
    "none": None,
    "TDBatchNorm": snn.TDBatchNorm(),
    "TEBN": snn.TEBN(STEPS),
    "LayerNorm": snn.LayerNorm(),
}


@pytest.mark.parametrize("options", [{}, {"dt": 0.5}, {"dropout": 0.3}, {"noise": 0.5}], ids=str)
@pytest.mark.parametrize("norm", NORMS)
def test_an_image_that_stays_gives_what_all_its_steps_give(norm, options):
    found = []
    for once in (True, False):
        torch.manual_seed(0)
        network = network_of(NORMS[norm], **options).train()
        image = rand(BATCH, 36).expand(STEPS, BATCH, 36)
        spikes, state = network(image if once else image.clone())
        sent = spikes["edges"]
        gradients = torch.autograd.grad((sent * randn(*sent.shape)).sum(), list(network.parameters()))
        found.append((spikes, state.layers["edges"].neurons, gradients))
    (one, end, own), (other, last, expected) = found
    assert other["edges"].any()
    assert all(x.shape == other[name].shape for name, x in one.items())
    assert (one["edges"] != other["edges"]).float().mean() < 0.01  # rounding of means
    if torch.equal(one["edges"], other["edges"]):
        for a, b in zip((*end, *own), (*last, *expected), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def test_the_convolution_of_an_image_that_stays_runs_once(monkeypatch):
    seen, forward = [], snn.Conv2d.forward
    monkeypatch.setattr(snn.Conv2d, "forward", lambda self, x: seen.append(len(x)) or forward(self, x))
    network, image = network_of(), rand(BATCH, 36)
    network(image.expand(STEPS, BATCH, 36))
    network(image.repeat(STEPS, 1, 1))
    network(image.expand(STEPS, BATCH, 36), record={"edges": ["v"]})
    assert seen == [1, STEPS, STEPS]


def test_an_image_that_needs_a_gradient_gets_that_of_every_step():
    network, image = network_of(), rand(STEPS, BATCH, 36).requires_grad_()
    first = rand(1, BATCH, 36).requires_grad_()
    for leaf, sequence in ((image, image), (first, first.expand(STEPS, -1, -1))):
        spikes = network(sequence)[0]["edges"]
        assert torch.autograd.grad(spikes.sum(), leaf)[0].any()


def test_a_relay_passes_a_sequence_on_and_keeps_a_state_of_its_own():
    current = rand(STEPS, BATCH, NODES)
    spikes, state = Relay()(current)
    assert torch.equal(spikes, current)
    before = current.clone()
    state.v.add_(1)
    assert torch.equal(current, before)
    for dt in (0.5, 0.1):
        half, _ = Relay(dt=dt)((rand(STEPS, BATCH, NODES) < 0.3).float() / dt)
        assert set(half.unique().tolist()) == {0.0, 1.0}
