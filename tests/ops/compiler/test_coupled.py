"""Neurons that send to each other, compiled with gradients, held to the plain loop over their step."""

from contextlib import nullcontext
from functools import partial

import pytest
import torch
from helpers.kernels import interpreted, on_both
from helpers.tensors import assert_equal, rand, randn, spikes_of
from torch.utils._python_dispatch import TorchDispatchMode

from lightning_snn.geometry import Square
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF, AdaptiveLIF, CurrentLIF, Izhikevich
from lightning_snn.synapses import Dense

NODES = 12
MODELS = {
    "LIF": partial(LIF, 5.0),
    "adaptation and pauses": partial(LIF, 5.0, refractory=2.0, adaptation=0.2),
    "a learned constant": partial(LIF, 5.0, learn=["tau_mem"]),
    "one for each neuron": partial(LIF, torch.linspace(3, 9, NODES).tolist(), learn=["tau_mem"]),
    "AdaptiveLIF": partial(AdaptiveLIF, resistance=60.0),
    "CurrentLIF": partial(CurrentLIF, dt=0.5),
}


def run(make, steps, batch, *, dtype=torch.float32, scale=4.0):
    """Spikes, state and the gradients of all that goes in."""
    model = make().to(dtype)
    current = (scale * rand(steps, batch, NODES)).to(dtype).requires_grad_()
    rows = randn(NODES, NODES, seed=1).to(dtype).requires_grad_()
    before = spikes_of(batch, NODES).to(dtype).requires_grad_()
    v = (0.1 * rand(batch, NODES)).to(dtype).requires_grad_()
    start = model.rest(batch, NODES, current)._replace(v=v)
    leaves = [current, rows, before, v, *model.parameters()]
    spikes, end = model.scan_sheet(current, start, before, rows)
    total = (spikes * randn(steps, batch, NODES, seed=2)).sum() + end[0].square().sum()
    return [spikes.detach(), *(x.detach() for x in end)], torch.autograd.grad(total, leaves)


@pytest.mark.parametrize("model", MODELS)
def test_values_and_gradients_are_those_of_the_loop(model):
    with nullcontext() if model == "LIF" else interpreted():
        (values, gradients), (found, ours) = on_both(lambda: run(MODELS[model], 25, 3))
    assert 0 < values[0].mean() < 0.9
    assert_equal(values, found)
    for own, expected in zip(ours, gradients, strict=True):
        assert expected.any()
        torch.testing.assert_close(own, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize(("steps", "batch"), [(1, 1), (1, 3), (20, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_single_steps_and_samples(steps, batch, dtype):
    with interpreted():
        (values, gradients), (found, ours) = on_both(lambda: run(MODELS["LIF"], steps, batch, dtype=dtype))
    assert_equal(values, found)
    assert gradients[1].any()
    for own, expected in zip(ours, gradients, strict=True):
        torch.testing.assert_close(own, expected)


def test_a_gradient_of_the_rows_alone():
    current, rows = 4 * rand(20, 2, NODES), randn(NODES, NODES, seed=1).requires_grad_()
    model, before = LIF(5.0), torch.zeros(2, NODES)

    def gradient():
        spikes, _ = model.scan_sheet(current, model.rest(2, NODES, current), before, rows)
        return torch.autograd.grad(spikes.sum(), rows)[0]

    expected, found = on_both(gradient)
    assert expected.any()
    torch.testing.assert_close(found, expected)


def recurrent(neuron, **options):
    again = Connection("units", "units", partial(Dense, trainable=True, gain=8.0, **options))
    return SpikingNetwork(
        {"units": SpikingLayer(Square(NODES, 4.0), neuron)}, {"again": again}, dt=0.5, seed=0
    )


@pytest.mark.parametrize("neuron", [LIF(5.0, learn=["tau_mem"]), Izhikevich()], ids=["LIF", "Izhikevich"])
def test_a_recurrent_layer_in_a_network_learns_as_step_by_step(neuron, monkeypatch):
    network = recurrent(neuron, delay=0.5)
    current = (8 * rand(40, 2, NODES)).requires_grad_()
    leaves = [current, *network.parameters()]

    def gradients():
        spikes = network(current)[0]["units"]
        return spikes.detach(), torch.autograd.grad(spikes.square().sum(), leaves)

    with interpreted():
        spikes, found = gradients()
    monkeypatch.setattr(Dense, "scan", lambda *_, **__: None)
    again, expected = gradients()
    assert spikes.any()
    assert torch.equal(spikes, again)
    for own, other in zip(found, expected, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()))


def test_a_projection_of_ones_own_runs_step_by_step():
    class Doubled(Dense):
        def forward(self, spikes):
            return 2 * super().forward(spikes)

    network = SpikingNetwork(
        {"units": SpikingLayer(Square(NODES, 4.0), LIF(5.0))},
        {"again": Connection("units", "units", partial(Doubled, trainable=True, gain=4.0))},
        seed=0,
    )
    plain = SpikingNetwork(
        {"units": SpikingLayer(Square(NODES, 4.0), LIF(5.0))},
        {"again": Connection("units", "units", partial(Dense, trainable=True, gain=8.0))},
        seed=0,
    )
    current = 2 * rand(30, 2, NODES)
    sent = [one(current)[0]["units"] for one in (network, plain)]
    assert sent[0].any()
    assert torch.equal(*sent)


def test_those_who_watch_operators_see_the_plain_loop():
    seen = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    def spikes():
        return run(MODELS["LIF"], 4, 1)[0]

    expected = spikes()
    with Watch():
        found = spikes()
    assert_equal(found, expected)
    assert sum("event_sum" in name for name in seen) >= 4
