"""Recurrent connections that are trained: spikes and gradients are those of a plain loop."""

from functools import partial

import pytest
import torch
from helpers.tensors import spikes_of

from lightning_snn.geometry import Square
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.network.pieces import run_in_pieces
from lightning_snn.neurons import LIF, PLIF, AdaptiveLIF, CurrentLIF, Relay
from lightning_snn.ops import backend
from lightning_snn.synapses import DelayedDense, Dense, ExponentialCurrent, LayerNorm

T, B, IN, N = 24, 3, 7, 9
NEURONS = {
    "lif": LIF(6.0, refractory=1.0, learn=["tau_mem", "threshold"]),
    "lif, one a neuron": LIF([5.0 + k for k in range(N)], reset="soft", learn=["tau_mem"]),
    "adaptive": AdaptiveLIF(6.0, tau_adaptation=20.0, threshold=1.0, learn=["tau_mem", "beta"]),
    "current": CurrentLIF(6.0, tau_syn=4.0, learn=["tau_syn"]),
    "parametric": PLIF(3.0),
}
SPIKES = spikes_of(T, B, IN, share=0.3)


@pytest.fixture(autouse=True)
def in_pytorch():
    """Kernels take seconds to compile, and other tests hold them to the plain loop."""
    with backend.use("reference"):
        yield


def network(kind, dt, **options):
    lateral = partial(Dense, trainable=True, **options)
    net = SpikingNetwork(
        {
            "input": SpikingLayer(Square(IN, side=2.0), Relay()),
            "units": SpikingLayer(
                Square(N, side=2.0),
                NEURONS[kind].again(),
                projection=partial(Dense, trainable=True),
                lateral=lateral,
            ),
        },
        dt=dt,
        seed=0,
    ).double()
    net.projections["units"].weight.data.abs_().mul_(6 / net.layer("units").num_nodes ** 0.5)
    return net


def by_loop(net, spikes):
    """Every step of the neurons in turn, and matrix products of what was sent."""
    units, dt = net.layer("units"), net.dt
    below, lateral = net.projections["units"], net.projections["units_lateral"]
    late = round((1.0 if lateral.delay is None else lateral.delay) / dt)
    state = units.neuron.rest(B, N, spikes)
    synapses = torch.zeros(B, N, dtype=torch.float64)
    sent = [torch.zeros(B, N, dtype=torch.float64)] * late
    for x in spikes:
        back = sent[len(sent) - late] @ lateral.weight.t()
        back = back if lateral.norm is None else lateral.norm(back[None])[0]
        if lateral.kinetics is None:
            back = back / dt
        else:
            back, after = lateral.kinetics.run(back[None], {"current": synapses}, dt=dt)
            back, synapses = back[0], after["current"]
        current = x @ below.weight.t() / dt + back
        found, state = units.neuron.advance(current, state)
        sent.append(found)
    return torch.stack(sent[late:])


def gradients(net, spikes):
    aim = torch.rand(spikes.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    parameters = dict(net.named_parameters())
    found = torch.autograd.grad((spikes * aim).sum(), parameters.values())
    return dict(zip(parameters, found, strict=True))


@pytest.mark.parametrize("dt", [1.0, 0.5])
@pytest.mark.parametrize("kind", NEURONS)
def test_neurons_of_every_kind_with_learned_constants(kind, dt):
    assert_agrees_with_the_loop(network(kind, dt))


@pytest.mark.parametrize("dt", [1.0, 0.5])
@pytest.mark.parametrize(
    "options",
    [
        {"delay": 3.0},
        {"kinetics": ExponentialCurrent(4.0)},
        {"norm": LayerNorm(alpha=0.3)},
        {"norm": LayerNorm(alpha=0.3), "kinetics": ExponentialCurrent(4.0), "delay": 2.0},
    ],
    ids=["delay", "kinetics", "norm", "all"],
)
def test_connections_with_all_that_they_may_have(options, dt):
    assert_agrees_with_the_loop(network("adaptive", dt, **options))


def assert_agrees_with_the_loop(net):
    given = SPIKES.double()
    spikes, _ = net({"input": given / net.dt})
    expected = by_loop(net, given)
    assert 0.01 < expected.mean() < 0.9
    torch.testing.assert_close(spikes["units"], expected)
    found, wanted = gradients(net, spikes["units"]), gradients(net, expected)
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, msg=lambda text, name=name: f"{name}: {text}")
        assert gradient.any(), name


def test_dropout_leaves_out_the_same_neurons_at_every_step():
    net = network("lif", 0.5, dropout=0.5)
    torch.manual_seed(0)
    spikes, state = net({"input": SPIKES.double()})
    mask = state.connections["units_lateral"]["kept"]
    plain = network("lif", 0.5)
    for sample in range(B):
        plain.load_state_dict(net.state_dict())
        plain.projections["units_lateral"].weight.data.mul_(mask[sample])
        alone, _ = plain({"input": SPIKES[:, sample : sample + 1].double()})
        torch.testing.assert_close(spikes["units"][:, sample], alone["units"][:, 0])


@pytest.mark.parametrize("steps", [1, 16])
def test_a_recurrent_connection_beside_feedback(steps):
    layers = {
        "input": SpikingLayer(Square(IN, side=2.0), Relay()),
        "low": SpikingLayer(
            Square(N, side=2.0),
            LIF(5.0, learn=["tau_mem"]),
            projection=partial(Dense, trainable=True, gain=9.0),
        ),
        "high": SpikingLayer(
            Square(N, side=2.0), AdaptiveLIF(5.0), projection=partial(Dense, trainable=True, gain=9.0),
            lateral=partial(Dense, trainable=True, dropout=0.2),
        ),
    }  # fmt: skip
    back = {"back": Connection("high", "low", partial(Dense, trainable=True, norm=LayerNorm(alpha=0.2)))}
    net = SpikingNetwork(layers, back, dt=0.5, seed=0)
    spikes, _ = net({"input": spikes_of(steps, 1, IN) * 8})
    spikes["high"].sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    if steps > 3:
        assert net.projections["back"].weight.grad.any()
        assert net.projections["high_lateral"].weight.grad.any()


def test_gradients_of_pieces_that_are_run_again_are_those_of_a_run_at_once():
    make = partial(DelayedDense, max_delay=2.0, trainable=True, dropout=0.3, norm=LayerNorm(alpha=0.5))
    layers = {
        "input": SpikingLayer(Square(IN, side=2.0), Relay()),
        "units": SpikingLayer(Square(N, side=2.0), LIF(5.0), projection=make, lateral=make),
    }
    net = SpikingNetwork(layers, dt=0.5, seed=0).double()
    found = []
    for options in ({}, {"checkpoint_steps": 5}):
        torch.manual_seed(0)
        spikes, _ = run_in_pieces(net, {"input": SPIKES.double() / 0.5}, **options)
        found.append((spikes["units"], gradients(net, spikes["units"])))
    (whole, expected), (pieces, computed) = found
    assert whole.any()
    torch.testing.assert_close(pieces, whole)
    for name, gradient in expected.items():
        torch.testing.assert_close(computed[name], gradient)
        assert gradient.any(), name
