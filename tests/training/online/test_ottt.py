"""OTTT: equal to the equations of the paper, written out."""

from functools import partial

import torch
from helpers.online import difference, spikes_of, trains
from torch import nn
from torch.nn import functional as F

from lightning_snn import LIF, Dense, Maps, Relay, SpikingLayer, SpikingNetwork
from lightning_snn.training.online.collected import collected
from lightning_snn.training.online.shown import Shown
from lightning_snn.training.online.signals import Spatial


def deep(neuron, *, lateral=None):
    trained = partial(Dense, trainable=True, gain=8.0)
    layers = {
        "input": SpikingLayer(Maps(1, 1, 6), Relay()),
        "one": SpikingLayer(Maps(1, 1, 7), neuron, projection=trained),
        "two": SpikingLayer(Maps(1, 1, 5), neuron, projection=trained, lateral=lateral),
    }
    return SpikingNetwork(layers, seed=0).double()


def test_equals_the_equations_of_the_paper():
    """Traces of spikes, and errors through the layers of each step; the loss of a step is a cross-entropy."""
    network, linear = deep(LIF(10.0, threshold=0.3, reset="soft")), nn.Linear(5, 3, bias=False).double()
    sent, label = trains(), torch.tensor([0, 2, 1])
    weights = [network.connection(name).projection.weight for name in ("one", "two")]
    output, _ = collected(network, Shown({"input": sent}, network.names, "two", linear.weight), Spatial())
    loss = sum(F.cross_entropy(step, label) for step in output)
    found = torch.autograd.grad(loss, [*weights, linear.weight])

    decay = torch.exp(torch.tensor(-1 / 10.0, dtype=torch.float64))
    drive = 8.0 * (1 - decay)  # of the membrane by a spike of weight 1
    neuron = network.layer("one").neuron
    traces, voltages = (
        [torch.zeros(3, 6).double(), torch.zeros(3, 7).double()],
        [torch.zeros(3, 7).double(), torch.zeros(3, 5).double()],
    )
    expected = [torch.zeros_like(w) for w in (*weights, linear.weight)]
    for step in sent:
        spikes, slopes = [step], []
        for k, weight in enumerate(weights):
            traces[k] = decay * traces[k] + spikes[k]
            u = decay * voltages[k] + drive * spikes[k] @ weight.detach().t()
            distance = ((u - 0.3) / 0.3).requires_grad_()
            sends = neuron.spike(distance)
            slopes.append(torch.autograd.grad(sends.sum(), distance)[0] / 0.3)
            spikes.append(sends.detach())
            voltages[k] = u - 0.3 * spikes[-1]
        scores = (spikes[-1] @ linear.weight.detach().t()).requires_grad_()
        (error,) = torch.autograd.grad(F.cross_entropy(scores, label), scores)
        expected[2] += error.t() @ spikes[2]
        error = error @ linear.weight.detach() * slopes[1]
        expected[1] += drive * error.t() @ traces[1]
        error = drive * error @ weights[1].detach() * slopes[0]
        expected[0] += drive * error.t() @ traces[0]
    assert difference(found, expected) < 1e-10


def test_spikes_of_earlier_steps_pass_no_gradient():
    """Recurrent weights learn from traces, and no error comes back through them."""
    network, linear = (
        deep(LIF(10.0, threshold=0.3), lateral=partial(Dense, trainable=True)),
        nn.Linear(5, 3, bias=False).double(),
    )
    sent = trains()
    weight = network.connection("two_lateral").projection.weight
    output, _ = collected(network, Shown({"input": sent}, network.names, "two", linear.weight), Spatial())
    (found,) = torch.autograd.grad(output.square().sum(), [weight])
    detached = linear(spikes_of(network, sent, {"two_lateral"})["two"])
    assert difference([found], torch.autograd.grad(detached.square().sum(), [weight])) < 1e-10
