"""Runs in pieces of time: spikes and gradients against a run at once, and against a plain loop of pieces."""

from functools import partial
from itertools import pairwise

import pytest
import torch
from helpers.networks import SIZES, drive, layers_of, network_of
from helpers.tensors import assert_equal, assert_same

from lightning_snn import (
    LIF,
    AdaptiveLIF,
    Connection,
    Dense,
    ExponentialCurrent,
    Maps,
    Pool2d,
    SpikingLayer,
    SpikingNetwork,
    run_in_pieces,
)
from lightning_snn.core.tensors import leaves
from lightning_snn.network.pieces import Pieces, detached

NETWORKS = {
    "chain": {"edges": ["a_b", "b_c"]},
    "loop": {"edges": ["a_b", "b_c", "c_b"]},
    "itself": {"edges": ["a_b", "b_b", "b_c"]},
    "delays": {"edges": ["a_b", "a_c", "b_c"], "synapses": {"delay": 3.0}},
    "kinetics": {
        "edges": ["a_b", "b_a", "b_c"],
        "synapses": {"kinetics": ExponentialCurrent(3.0), "delay": 2.0},
    },
    "learned": {"edges": ["a_b", "b_c"], "neuron": LIF(5.0, learn=["tau_mem"])},
    "adaptive": {"edges": ["a_b", "b_c"], "neuron": AdaptiveLIF(5.0)},
}


def network(name, dt=None, *, compiled=False):
    """In float64 and step by step; float32 where the models are compiled."""
    given = NETWORKS[name]
    synapses = {"trainable": True, **given.get("synapses", {})}
    net = network_of(given["edges"], synapses=synapses, neuron=given.get("neuron"), dt=dt)
    for layer in net.layers.values():
        layer.neuron.compiled = compiled
    return net if compiled else net.double()


def gradients(of, run):
    """The gradients of all that is learned, for a loss that all spikes are in."""
    of.zero_grad()
    spikes, _ = run()
    first = next(iter(spikes.values()))
    weights = torch.linspace(0, 1, len(first), dtype=first.dtype)[:, None, None]
    sum((weights * sent).square().sum() for sent in spikes.values()).backward()
    return spikes, {name: p.grad.clone() for name, p in of.named_parameters() if p.grad is not None}


def plain(of, inputs, cuts, truncate=None):
    """A loop of runs that go on from each other, with nothing computed twice."""
    state, found = None, []
    for first, end in pairwise(cuts):
        if truncate and first % truncate == 0:
            state = detached(state)
        spikes, state = of.run({"a": inputs[first:end]}, state)
        found.append(spikes)
    return {name: torch.cat([spikes[name] for spikes in found]) for name in found[0]}, state


@pytest.mark.parametrize("name", NETWORKS)
def test_checkpointed_gradients_are_those_of_a_run_at_once(name):
    net, inputs = network(name), drive(dtype=torch.float64)
    spikes, expected = gradients(net, lambda: net.run({"a": inputs}))
    found, checkpointed = gradients(net, lambda: run_in_pieces(net, {"a": inputs}, checkpoint_steps=7))
    _, looped = gradients(net, lambda: plain(net, inputs, [0, 7, 14, 21, 28, 30]))
    assert all(grad.any() for grad in expected.values())
    assert len(expected) >= 2
    assert_same(found, spikes)
    assert_same(checkpointed, looped)
    for key, grad in expected.items():
        torch.testing.assert_close(checkpointed[key], grad, rtol=1e-9, atol=1e-12, msg=key)


@pytest.mark.parametrize("name", NETWORKS)
def test_truncated_gradients_are_those_of_a_loop_that_detaches(name):
    net, inputs = network(name), drive(dtype=torch.float64)
    _, whole = gradients(net, lambda: net.run({"a": inputs}))
    _, expected = gradients(net, lambda: plain(net, inputs, [0, 8, 16, 24, 30], truncate=8))
    _, truncated = gradients(net, lambda: run_in_pieces(net, {"a": inputs}, truncate_steps=8))
    assert_same(truncated, expected)
    assert any(not torch.allclose(truncated[key], whole[key]) for key in whole)
    _, both = gradients(net, lambda: run_in_pieces(net, {"a": inputs}, truncate_steps=8, checkpoint_steps=5))
    for key, grad in expected.items():
        torch.testing.assert_close(both[key], grad, rtol=1e-9, atol=1e-12, msg=key)
    _, not_at_all = gradients(net, lambda: run_in_pieces(net, {"a": inputs}, truncate_steps=30))
    assert_same(not_at_all, whole)


@pytest.mark.parametrize("name", ["chain", "loop"])
def test_compiled_models_are_run_again_to_the_same_bits(name):
    net, inputs = network(name, compiled=True), drive()
    _, expected = gradients(net, lambda: plain(net, inputs, [0, 10, 20, 30]))
    _, found = gradients(net, lambda: run_in_pieces(net, {"a": inputs}, checkpoint_steps=10))
    assert len(expected) >= 2
    assert_same(found, expected)


@pytest.mark.parametrize(("dt", "steps", "batch"), [(0.1, 25, 2), (0.5, 1, 1), (1.0, 2, 1)])
def test_other_steps_and_short_runs(dt, steps, batch):
    net, inputs = network("loop", dt=dt), drive(steps, batch, dtype=torch.float64)
    _, expected = gradients(net, lambda: net.run({"a": inputs}))
    _, found = gradients(net, lambda: run_in_pieces(net, {"a": inputs}, checkpoint_steps=10))
    for key, grad in expected.items():
        torch.testing.assert_close(found[key], grad, rtol=1e-9, atol=1e-12, msg=key)


def test_graded_and_negative_input_without_gradients_is_run_on():
    net, inputs = network("chain"), -drive(dtype=torch.float64)
    with torch.no_grad():
        spikes, state = net.run({"a": inputs})
        found, after = run_in_pieces(net, {"a": inputs}, truncate_steps=4)
    assert_same(found, spikes)
    assert_equal(leaves(after), leaves(state))


def noisy():
    layers = layers_of(noise=1.0)
    wiring = partial(Dense, gain=8.0, trainable=True, dropout=0.3)
    edges = {"ab": Connection("a", "b", wiring), "bc": Connection("b", "c", wiring)}
    net = SpikingNetwork(layers, edges, seed=0).double()
    for layer in net.layers.values():
        layer.neuron.compiled = False
    return net


@pytest.mark.parametrize("own", [False, True])
def test_noise_and_dropout_are_the_same_when_a_piece_is_run_again(own):
    net, inputs = noisy(), drive(dtype=torch.float64)

    def run(of):
        torch.manual_seed(7)
        generator = torch.Generator().manual_seed(8) if own else None
        found = gradients(net, lambda: of(generator))
        return *found, generator.get_state() if own else torch.get_rng_state()

    def loop(generator):
        state, found = None, []
        for piece in inputs.split(10):
            spikes, state = net.run({"a": piece}, state, generator=generator)
            found.append(spikes)
        return {name: torch.cat([spikes[name] for spikes in found]) for name in SIZES}, state

    spikes, expected, after = run(loop)
    found, checkpointed, then = run(
        lambda generator: run_in_pieces(net, {"a": inputs}, checkpoint_steps=10, generator=generator)
    )
    assert_same(found, spikes)
    assert_same(checkpointed, expected)
    assert torch.equal(after, then)


def test_only_spikes_that_are_asked_for_are_returned():
    net, inputs = network("chain"), drive(dtype=torch.float64)
    spikes, _ = run_in_pieces(net, {"a": inputs}, checkpoint_steps=7, keep=["c"])
    assert list(spikes) == ["c"]
    assert torch.equal(spikes["c"], net.run({"a": inputs})[0]["c"])


def test_what_is_kept_for_gradients_does_not_grow_with_time():
    def kept(steps, **pieces):
        net, held, inputs = network("chain", compiled=True), [], {"a": drive(steps)}
        hooks = torch.autograd.graph.saved_tensors_hooks(lambda x: held.append(x.numel()) or x, lambda x: x)
        with hooks:
            run_in_pieces(net, inputs, keep=[], **pieces) if pieces else net.run(inputs)
        return sum(held)

    kept(10)  # what is kept while kernels are compiled does not count
    assert kept(800) > 7 * kept(100)
    assert kept(800, checkpoint_steps=20) == kept(100, checkpoint_steps=20) > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"truncate_steps": 0}, "truncate_steps must be a whole number above 0, got 0"),
        ({"checkpoint_steps": 2.5}, "checkpoint_steps must be a whole number above 0, got 2.5"),
        (
            {"checkpoint_steps": 2, "known": {"a": torch.zeros(3, 1, 12)}},
            "known must be none in a run in",
        ),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        run_in_pieces(network("chain"), {"a": drive(dtype=torch.float64)}, **options)


def test_a_projection_that_must_see_whole_sequences():
    pool = partial(Pool2d, in_shape=(1, 4, 4), kernel_size=2, mode="first")
    layers = {
        "maps": SpikingLayer(Maps(1, 4, 4), LIF()),
        "pooled": SpikingLayer(Maps(1, 2, 2), LIF(), projection=pool),
    }
    message = r"truncate_steps must be none beside layers\.pooled\.projection: Pool2d"
    with pytest.raises(ValueError, match=message):
        Pieces(truncate_steps=5).check(SpikingNetwork(layers))
