from functools import partial

import pytest
import torch

from lightning_snn.core.batches import Sequences
from lightning_snn.encoders import ConstantCurrent, Frames
from lightning_snn.geometry import Square
from lightning_snn.network import Connection, SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF
from lightning_snn.presentation.present import NETWORK, present
from lightning_snn.presentation.trace import spike_trace
from lightning_snn.synapses import Dense

SIZES = {"retina": 49, "lgn": 20, "cortex": 8}
ENCODER = ConstantCurrent(30, gain=4.0)
ENCODERS = {"retina": ENCODER}


class Recording(Dense):
    """Keeps the spikes that it was given."""

    def forward(self, spikes):
        self.seen = spikes
        return super().forward(spikes)


def projection_to(name, seed=0, kind=Dense):
    below = {"lgn": "retina", "cortex": "lgn"}[name]
    return kind(SIZES[below], SIZES[name], gain=30.0, seed=seed)


@pytest.fixture
def network():
    bottom = SpikingLayer(Square(49, 7.0, placement="grid"), LIF(5.0, dt=0.5))
    above = {
        name: SpikingLayer(
            Square(SIZES[name], 7.0), LIF(5.0, dt=0.5), projection=lambda *_, n=name: projection_to(n)
        )
        for name in ("lgn", "cortex")
    }
    return SpikingNetwork({"retina": bottom} | above)


@pytest.fixture
def images():
    return torch.rand(3, 1, 7, 7, generator=torch.Generator().manual_seed(0))


def calls_of(module, calls):
    module.register_forward_hook(lambda *_: calls.append(module))


def controls():
    return {
        "one": {"lgn": projection_to("lgn", 1, Recording)},
        "two": {"lgn": projection_to("lgn", 2, Recording), "cortex": projection_to("cortex", 2)},
    }


@pytest.mark.parametrize("tau", [None, 4.0])
def test_features_are_traces_of_the_top_layer(network, images, tau):
    shown = present(images, network, ENCODERS, read_from="cortex", controls={}, tau_trace=tau)
    spikes, _ = network(ENCODER(images.flatten(1), dt=0.5))
    assert set(shown.features) == {NETWORK}
    torch.testing.assert_close(shown.features[NETWORK], spike_trace(spikes["cortex"], tau=tau, dt=0.5))
    assert shown.features[NETWORK].shape == (3, 8)
    assert shown.features[NETWORK].any()


def test_rates_and_sparsity_are_those_of_the_networks_layers(network, images):
    shown = present(images, network, ENCODERS, read_from="cortex", controls=controls(), tau_trace=None)
    spikes, _ = network(ENCODER(images.flatten(1), dt=0.5))
    for k, name in enumerate(SIZES):
        rate = 1000 * spikes[name].sum((0, 2)) / (SIZES[name] * 30 * 0.5)
        torch.testing.assert_close(shown.rate[:, k], rate)
        silent = (spikes[name].sum(0) == 0).float().mean(1)
        torch.testing.assert_close(shown.sparsity[:, k], silent)
    assert shown.rate.min() > 0


def test_the_retina_is_simulated_once_for_all_controls(network, images):
    calls, other = [], controls()
    for name in ("retina", "lgn"):
        calls_of(network.layer(name).neuron, calls)
    present(images, network, ENCODERS, read_from="cortex", controls=other, tau_trace=None)
    assert calls.count(network.layer("retina").neuron) == 1
    assert calls.count(network.layer("lgn").neuron) == 3
    spikes, _ = network(ENCODER(images.flatten(1), dt=0.5))
    for projections in other.values():
        assert torch.equal(projections["lgn"].seen, spikes["retina"])


def test_a_controls_features_are_those_of_the_network_with_its_projections(network, images):
    other = controls()
    shown = present(images, network, ENCODERS, read_from="cortex", controls=other, tau_trace=None)
    retina, _ = network.layer("retina")(ENCODER(images.flatten(1), dt=0.5))
    for name, projections in other.items():
        above, _ = network.run({}, known={"retina": retina}, projections=projections)
        torch.testing.assert_close(shown.features[name], above["cortex"].mean(0))
        assert not torch.equal(shown.features[name], shown.features[NETWORK])
    again = present(images, network, ENCODERS, read_from="cortex", controls={}, tau_trace=None)
    assert torch.equal(again.features[NETWORK], shown.features[NETWORK])


def test_a_samples_features_do_not_depend_on_the_batch(network, images):
    whole = present(images, network, ENCODERS, read_from="cortex", controls={}, tau_trace=4.0)
    part = present(images[1:2], network, ENCODERS, read_from="cortex", controls={}, tau_trace=4.0)
    assert torch.equal(part.features[NETWORK], whole.features[NETWORK][1:2])
    assert torch.equal(part.rate, whole.rate[1:2])


def test_gradients_reach_the_images(network, images):
    images.requires_grad_()
    projection = Dense(49, 20, gain=30.0, trainable=True)
    top = Dense(20, 8, gain=30.0, trainable=True)
    shown = present(
        images,
        network,
        ENCODERS,
        read_from="cortex",
        controls={"all": {"lgn": projection, "cortex": top}},
        tau_trace=None,
    )
    shown.features["all"].sum().backward()
    assert projection.weight.grad.abs().sum() > 0
    assert images.grad.abs().sum() > 0
    assert not shown.rate.requires_grad


def test_wrong_images_are_refused(network):
    with pytest.raises(ValueError, match=r"images must be \[B, C, H, W\]"):
        show(torch.zeros(3, 7, 7), network)


def show(input, network, encoders=ENCODERS, *, read_from="cortex", controls=None, tau=None):
    return present(input, network, encoders, read_from=read_from, controls=controls or {}, tau_trace=tau)


def test_layers_that_lead_nowhere_do_not_run(network, images):
    calls = []
    calls_of(network.layer("cortex").neuron, calls)
    shown = show(images, network, read_from="lgn")
    assert not calls
    assert shown.rate.shape == (3, 2)
    spikes, _ = network(ENCODER(images.flatten(1), dt=0.5))
    torch.testing.assert_close(shown.features[NETWORK], spikes["lgn"].mean(0))


def test_what_a_control_does_not_change_is_simulated_once(network, images):
    calls = []
    for name in SIZES:
        calls_of(network.layer(name).neuron, calls)
    other = {"top": {"cortex": projection_to("cortex", 2)}}
    shown = show(images, network, controls=other)
    assert [calls.count(network.layer(name).neuron) for name in SIZES] == [1, 1, 2]
    assert not torch.equal(shown.features["top"], shown.features[NETWORK])
    same = show(images, network, read_from="lgn", controls={"lower": {"cortex": other["top"]["cortex"]}})
    assert torch.equal(same.features["lower"], same.features[NETWORK])


@pytest.fixture
def two_inputs():
    def sheet(number):
        return SpikingLayer(Square(number, 7.0), LIF(5.0))

    return SpikingNetwork(
        {"eye": sheet(30), "ear": sheet(20), "top": sheet(10)},
        {
            "see": Connection("eye", "top", partial(Dense, gain=30.0)),
            "hear": Connection("ear", "top", partial(Dense, gain=30.0)),
            "again": Connection("top", "top", partial(Dense, gain=5.0)),
        },
        seed=0,
    )


def test_inputs_of_two_layers(two_inputs):
    encoders = {"eye": ConstantCurrent(20, gain=5.0), "ear": Frames(5.0)}
    given = {"eye": torch.rand(3, 1, 8, 8), "ear": torch.rand(3, 20, 20)}
    shown = show(given, two_inputs, encoders, read_from="top")
    currents = {
        name: encoders[name].encode(one, two_inputs.layer(name).geometry, dt=1.0)
        for name, one in given.items()
    }
    spikes, _ = two_inputs(currents)
    assert torch.equal(shown.features[NETWORK], spikes["top"].mean(0))
    assert shown.features[NETWORK].any()
    with torch.no_grad():  # in small blocks
        assert torch.equal(show(given, two_inputs, encoders, read_from="top").rate, shown.rate)
    with pytest.raises(ValueError, match=r"inputs by name must be for .*eye.*, got \['eye'\]"):
        show({"eye": given["eye"]}, two_inputs, encoders, read_from="top")
    given["ear"] = given["ear"][:, :10]
    with pytest.raises(ValueError, match=r"as many steps, got \{'eye': 20, 'ear': 10\}"):
        show(given, two_inputs, encoders, read_from="top")


def test_what_comes_after_the_end_of_a_sequence_counts_nowhere(network):
    network.layers["retina"].noise = 2.0  # spikes behind the end too
    lengths = torch.tensor([30, 10])
    values = Sequences(torch.rand(2, 30, 49), lengths)
    torch.manual_seed(1)
    shown = show(values, network, {"retina": Frames(8.0)})
    current = Frames(8.0).encode(values, network.layer("retina").geometry, dt=0.5)
    torch.manual_seed(1)
    spikes, _ = network(current)
    for sample, length in enumerate(lengths.tolist()):
        for k, name in enumerate(SIZES):
            seen = spikes[name][:length, sample]
            assert shown.rate[sample, k] == pytest.approx(1000 * seen.mean().item() / 0.5, rel=1e-5)
            assert shown.sparsity[sample, k] == (seen.sum(0) == 0).float().mean()
        torch.testing.assert_close(shown.features[NETWORK][sample], spikes["cortex"][:length, sample].mean(0))
    assert spikes["retina"][10:, 1].any()


def test_spikes_are_kept_where_gradients_are_recorded(network, images):
    assert show(images, network).spikes.keys() == SIZES.keys()
    with torch.no_grad():
        assert show(images, network).spikes == {}
