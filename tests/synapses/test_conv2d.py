from functools import partial

import pytest
import torch
from helpers.tensors import spikes_of

from lightning_snn.geometry import Maps, Square
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import IntegrateFire
from lightning_snn.plasticity import STDP, CompetitiveHebbian, TargetRate
from lightning_snn.synapses import Conv2d

SHAPE = (2, 5, 4)
SETTINGS = {
    "plain": {"kernel_size": 3},
    "stride": {"kernel_size": 2, "stride": 2},
    "padding": {"kernel_size": 3, "stride": 2, "padding": 1},
}
GRIDS = {"plain": (3, 2), "stride": (2, 2), "padding": (3, 2)}
every_setting = pytest.mark.parametrize("name", SETTINGS)


def make(name, *, maps=3, **options):
    rows, columns = GRIDS[name]
    return Conv2d(40, maps * rows * columns, in_shape=SHAPE, **SETTINGS[name], **options)


def inputs_by_loop(name, spikes):
    """Windows ``[P, C k k]`` of one sample ``[C, H, W]``, entry by entry."""
    k, stride, padding = (
        SETTINGS[name].get(key, default)
        for key, default in (("kernel_size", 0), ("stride", 1), ("padding", 0))
    )
    rows, columns = GRIDS[name]
    found = torch.zeros(rows * columns, SHAPE[0] * k * k)
    for place in range(rows * columns):
        top, left = stride * (place // columns) - padding, stride * (place % columns) - padding
        for c in range(SHAPE[0]):
            for i in range(k):
                for j in range(k):
                    if 0 <= top + i < SHAPE[1] and 0 <= left + j < SHAPE[2]:
                        found[place, (c * k + i) * k + j] = spikes[c, top + i, left + j]
    return found


def matrix_of(name, efficacy):
    """The equivalent dense weights ``[num_post, num_pre]``: the response to each neuron on its own."""
    columns = [inputs_by_loop(name, unit.view(SHAPE)) @ efficacy.t() for unit in torch.eye(40)]
    return torch.stack([column.t().flatten() for column in columns], dim=1)


@every_setting
def test_fields_are_the_windows(name):
    spikes = spikes_of(3, 2, 40)
    fields = make(name).fields(spikes)
    for t in range(3):
        for b in range(2):
            assert torch.equal(fields[t, b], inputs_by_loop(name, spikes[t, b].view(SHAPE)))


@every_setting
@pytest.mark.parametrize("rule", [None, STDP(), CompetitiveHebbian()])
def test_the_current_is_that_of_the_equivalent_matrix(name, rule):
    projection = make(name, rule=rule, gain=3.0)
    matrix = matrix_of(name, projection.efficacy())
    for shape in [(40,), (4, 40), (5, 2, 40)]:
        spikes = spikes_of(*shape)
        current = projection(spikes)
        assert current.shape == (*shape[:-1], projection.num_post)
        torch.testing.assert_close(current, spikes @ matrix.t(), rtol=1e-5, atol=1e-5)


@every_setting
def test_gradients_reach_trainable_weights_and_spikes(name):
    projection = make(name, trainable=True)
    spikes = spikes_of(4, 40).requires_grad_()
    projection(spikes).square().sum().backward()
    weight = projection.weight.detach().clone().requires_grad_()
    leaf = spikes.detach().clone().requires_grad_()
    (leaf @ matrix_of(name, weight).t()).square().sum().backward()
    torch.testing.assert_close(projection.weight.grad, weight.grad, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(spikes.grad, leaf.grad, rtol=1e-4, atol=1e-5)


@every_setting
def test_units_and_current_have_the_same_layout(name):
    projection = make(name)
    spikes = spikes_of(5, 2, 40)
    by_place = projection.fields(spikes) @ projection.weight.t()
    torch.testing.assert_close(projection.units(projection(spikes)), by_place)
    values = torch.arange(3.0)
    assert torch.equal(projection.units(projection.spread(values)), values.expand(projection.places, 3))


def test_weights_are_shared_and_saved_once():
    projection = make("plain", rule=STDP(), homeostasis=[TargetRate(5.0)])
    assert projection.groups is None
    assert projection.places == 6
    assert list(projection.weight.shape) == [3, 18]
    assert list(projection.wiring["threshold_rise"].shape) == [3]
    assert list(projection.threshold_rise.shape) == [18]
    assert torch.equal(projection.initial_weight(), projection.weight)
    assert torch.equal(projection.incoming(7), projection.weight[1])


def test_places_lie_on_a_grid_and_no_unit_has_a_field():
    projection = make("plain")
    assert projection.place_positions.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]]
    assert not projection.has_fields
    with pytest.raises(ValueError, match="no unit has a field of its own"):
        _ = projection.connected


@pytest.mark.parametrize("shape", [{}, {"in_shape": SHAPE}], ids=["of the source", "given"])
def test_in_a_network(shape):
    projection = partial(Conv2d, kernel_size=3, gain=2.0, **shape)
    layers = {
        "below": SpikingLayer(Maps(*SHAPE), IntegrateFire()),
        "above": SpikingLayer(Maps(3, 3, 2), IntegrateFire(), projection=projection),
    }
    network = SpikingNetwork(layers)
    found, _ = network(2 * spikes_of(6, 2, 40))
    assert found["above"].shape == (6, 2, 18)
    assert found["above"].sum() > 0
    node, connection = network.layer("above").node(7), network.connection("above")
    assert torch.equal(node.weights(connection), connection.projection.weight[1])
    assert node.field(connection) is None


def test_the_shape_comes_from_maps_only():
    layers = {
        "below": SpikingLayer(Square(40, 5.0), IntegrateFire()),
        "above": SpikingLayer(Maps(3, 3, 2), IntegrateFire(), projection=partial(Conv2d, kernel_size=3)),
    }
    with pytest.raises(ValueError, match=r"layers.above.projection: in_shape .* Maps"):
        SpikingNetwork(layers)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_post": 19}, "num_post must be a multiple of the 3 x 2 = 6 places of a map, got 19"),
        ({"num_pre": 41}, r"in_shape = 2 x 5 x 4 holds 40 neurons, but the source has 41 \(num_pre\)"),
        ({"kernel_size": 5}, "kernel_size must be at most 4, the side of a padded map, got 5"),
        ({"stride": 0}, "stride must be a whole number above 0, got 0"),
        ({"padding": -1}, "padding must be a whole number, 0 or above, got -1"),
        ({"in_shape": (5, 8)}, r"in_shape must be \(C, H, W\), got \(5, 8\)"),
        ({"gain": 0.0}, "gain must be a finite number above 0, got 0.0"),
    ],
)
def test_errors(changes, message):
    options = {"num_pre": 40, "num_post": 18, "in_shape": SHAPE, "kernel_size": 3, **changes}
    with pytest.raises(ValueError, match=message):
        Conv2d(**options)


def test_spikes_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"spikes must be \[..., 40\] \(num_pre\), got \[4, 39\]"):
        make("plain")(torch.zeros(4, 39))
