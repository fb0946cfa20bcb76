from functools import partial

import pytest
import torch
from helpers.tensors import spikes_of

from lightning_snn.geometry import Maps
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import Relay
from lightning_snn.synapses import Pool2d, WeightedProjection

SHAPE = (2, 5, 4)


def windows_by_loop(spikes, size, stride):
    """Spikes of each window ``[T, B, size size]``, in the order of the neurons above."""
    maps = spikes.view(*spikes.shape[:2], *SHAPE)
    for c in range(SHAPE[0]):
        for top in range(0, SHAPE[1] - size + 1, stride):
            for left in range(0, SHAPE[2] - size + 1, stride):
                yield maps[:, :, c, top : top + size, left : left + size].flatten(2)


@pytest.mark.parametrize(("size", "stride", "num_post"), [(2, None, 8), (3, 1, 12), (2, 1, 24)])
def test_sums_and_means(size, stride, num_post):
    spikes = spikes_of(6, 3, 40, share=0.4)
    summed = torch.stack([w.sum(2) for w in windows_by_loop(spikes, size, stride or size)], dim=2)
    options = {"in_shape": SHAPE, "kernel_size": size, "stride": stride}
    torch.testing.assert_close(Pool2d(40, num_post, mode="sum", **options)(spikes), summed)
    mean = Pool2d(40, num_post, mode="mean", gain=2.0, **options)
    torch.testing.assert_close(mean(spikes), 2 * summed / size**2)
    torch.testing.assert_close(mean(spikes[0, 0]), mean(spikes)[0, 0])
    graded = spikes * torch.rand(spikes.shape)
    largest = torch.stack([w.amax(2) for w in windows_by_loop(graded, size, stride or size)], dim=2)
    torch.testing.assert_close(Pool2d(40, num_post, mode="max", gain=2.0, **options)(graded), 2 * largest)


@pytest.mark.parametrize(("size", "stride", "num_post"), [(2, None, 8), (3, 1, 12)])
def test_the_first_spike_of_a_window_passes_and_no_other(size, stride, num_post):
    spikes = spikes_of(12, 3, 40)
    projection = Pool2d(40, num_post, in_shape=SHAPE, kernel_size=size, stride=stride)
    found = projection(spikes)
    for unit, window in enumerate(windows_by_loop(spikes, size, stride or size)):
        for b in range(3):
            expected = torch.zeros(12)
            steps = window[:, b].amax(1).nonzero()
            if len(steps):
                expected[steps[0, 0]] = 1
            assert torch.equal(found[:, b, unit], expected)
    assert 0 < found.sum() <= 3 * num_post


def test_gradients_pass():
    for mode in ("first", "sum", "mean", "max"):
        spikes = spikes_of(6, 3, 40).requires_grad_()
        Pool2d(40, 8, in_shape=SHAPE, kernel_size=2, mode=mode)(spikes).square().sum().backward()
        assert spikes.grad.abs().sum() > 0


def test_nothing_is_learned():
    projection = Pool2d(40, 8, in_shape=SHAPE, kernel_size=2)
    assert not isinstance(projection, WeightedProjection)
    assert projection.state_dict() == {}


def test_in_a_network():
    layers = {
        "below": SpikingLayer(Maps(*SHAPE), Relay()),
        "above": SpikingLayer(Maps(2, 2, 2), Relay(), projection=partial(Pool2d, kernel_size=2)),
    }
    network, spikes = SpikingNetwork(layers), spikes_of(12, 3, 40)
    assert torch.equal(network(spikes)[0]["above"], Pool2d(40, 8, in_shape=SHAPE, kernel_size=2)(spikes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_post": 9}, "num_post must be 2 x 2 x 2 = 8, a neuron for each window of each map, got 9"),
        ({"mode": "last"}, "mode must be one of first, max, mean, sum, got 'last'"),
        ({"kernel_size": 6}, "kernel_size must be at most 4"),
    ],
)
def test_errors(changes, message):
    with pytest.raises(ValueError, match=message):
        Pool2d(**{"num_pre": 40, "num_post": 8, "in_shape": SHAPE, "kernel_size": 2, **changes})


def test_a_single_step_has_no_first_spike():
    with pytest.raises(ValueError, match=r"mode 'first' takes sequences \[T, B, num_pre\], got \[3, 40\]"):
        Pool2d(40, 8, in_shape=SHAPE, kernel_size=2)(spikes_of(3, 40))
