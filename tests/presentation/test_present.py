import pytest
import torch

from lightning_snn.encoders import ConstantCurrent
from lightning_snn.geometry import Square
from lightning_snn.network import SpikingLayer, SpikingStack
from lightning_snn.neurons import LIF
from lightning_snn.presentation.present import NETWORK, present
from lightning_snn.presentation.trace import spike_trace
from lightning_snn.synapses import Dense

SIZES = {"retina": 49, "lgn": 20, "cortex": 8}
ENCODER = ConstantCurrent(30, gain=4.0)


class Recording(Dense):
    """Keeps the spikes that it was given."""

    def forward(self, spikes):
        self.seen = spikes
        return super().forward(spikes)


def projection_to(name, seed=0, kind=Dense):
    below = {"lgn": "retina", "cortex": "lgn"}[name]
    return kind(SIZES[below], SIZES[name], gain=30.0, seed=seed)


@pytest.fixture
def stack():
    bottom = SpikingLayer(Square(49, 7.0, placement="grid"), LIF(5.0, dt=0.5))
    above = {
        name: SpikingLayer(
            Square(SIZES[name], 7.0), LIF(5.0, dt=0.5), projection=lambda *_, n=name: projection_to(n)
        )
        for name in ("lgn", "cortex")
    }
    return SpikingStack({"retina": bottom} | above)


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
def test_features_are_traces_of_the_top_layer(stack, images, tau):
    shown = present(images, stack, ENCODER, controls={}, tau_trace=tau)
    spikes, _ = stack(ENCODER(images.flatten(1), dt=0.5))
    assert set(shown.features) == {NETWORK}
    torch.testing.assert_close(shown.features[NETWORK], spike_trace(spikes["cortex"], tau=tau, dt=0.5))
    assert shown.features[NETWORK].shape == (3, 8)
    assert shown.features[NETWORK].any()


def test_rates_and_sparsity_are_those_of_the_stacks_layers(stack, images):
    shown = present(images, stack, ENCODER, controls=controls(), tau_trace=None)
    spikes, _ = stack(ENCODER(images.flatten(1), dt=0.5))
    for k, name in enumerate(SIZES):
        rate = 1000 * spikes[name].sum((0, 2)) / (SIZES[name] * 30 * 0.5)
        torch.testing.assert_close(shown.rate[:, k], rate)
        silent = (spikes[name].sum(0) == 0).float().mean(1)
        torch.testing.assert_close(shown.sparsity[:, k], silent)
    assert shown.rate.min() > 0


def test_the_retina_is_simulated_once_for_all_controls(stack, images):
    calls, other = [], controls()
    calls_of(stack.bottom, calls)
    calls_of(stack.layer("lgn"), calls)
    present(images, stack, ENCODER, controls=other, tau_trace=None)
    assert calls.count(stack.bottom) == 1
    assert calls.count(stack.layer("lgn")) == 3
    spikes, _ = stack(ENCODER(images.flatten(1), dt=0.5))
    for projections in other.values():
        assert torch.equal(projections["lgn"].seen, spikes["retina"])


def test_a_controls_features_are_those_of_the_stack_with_its_projections(stack, images):
    other = controls()
    shown = present(images, stack, ENCODER, controls=other, tau_trace=None)
    retina, _ = stack.bottom(ENCODER(images.flatten(1), dt=0.5))
    for name, projections in other.items():
        above, _ = stack.ascend(retina, projections=projections)
        torch.testing.assert_close(shown.features[name], above["cortex"].mean(0))
        assert not torch.equal(shown.features[name], shown.features[NETWORK])
    again = present(images, stack, ENCODER, controls={}, tau_trace=None)
    assert torch.equal(again.features[NETWORK], shown.features[NETWORK])


def test_a_samples_features_do_not_depend_on_the_batch(stack, images):
    whole = present(images, stack, ENCODER, controls={}, tau_trace=4.0)
    part = present(images[1:2], stack, ENCODER, controls={}, tau_trace=4.0)
    assert torch.equal(part.features[NETWORK], whole.features[NETWORK][1:2])
    assert torch.equal(part.rate, whole.rate[1:2])


def test_gradients_reach_the_images(stack, images):
    images.requires_grad_()
    projection = Dense(49, 20, gain=30.0, trainable=True)
    top = Dense(20, 8, gain=30.0, trainable=True)
    shown = present(
        images, stack, ENCODER, controls={"all": {"lgn": projection, "cortex": top}}, tau_trace=None
    )
    shown.features["all"].sum().backward()
    assert projection.weight.grad.abs().sum() > 0
    assert images.grad.abs().sum() > 0
    assert not shown.rate.requires_grad


def test_wrong_images_are_refused(stack):
    with pytest.raises(ValueError, match=r"images must be \[B, 1, H, W\]"):
        present(torch.zeros(3, 7, 7), stack, ENCODER, controls={}, tau_trace=None)
