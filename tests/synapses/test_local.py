from functools import partial

import pytest
import torch
from helpers.tensors import spikes_of

from lightning_snn.geometry import Disk, Square, Torus
from lightning_snn.network import SpikingLayer, SpikingNetwork
from lightning_snn.neurons import LIF
from lightning_snn.plasticity import STDP
from lightning_snn.synapses import Dense, Local

SHEETS = {
    "square": (Square(150, 10.0, seed=0), Square(40, 10.0, seed=1)),
    "torus": (Torus(150, 10.0, seed=0), Square(40, 10.0, seed=1)),
    "shifted": (Disk(150, 5.0, seed=0), Square(40, 4.0, seed=1)),
}
every_sheet = pytest.mark.parametrize("name", SHEETS)


def make(name="square", radius=3.0, **options):
    below, here = SHEETS[name]
    return Local(150, 40, radius=radius, below=below, here=here, **options)


def near(below, here, radius=3.0):
    """Which pairs are closer than the radius ``[40, 150]``, pair by pair."""
    found = torch.zeros(40, 150, dtype=torch.bool)
    for post in range(40):
        for pre in range(150):
            offset = below.displacement(here.positions[post] - below.positions[pre])
            found[post, pre] = offset.square().sum().sqrt() < radius
    return found


@every_sheet
def test_neurons_see_what_lies_within_the_radius(name):
    projection = make(name, rule=STDP())
    weight = projection.matrix(projection.weight.detach())
    assert torch.equal(weight != 0, near(*SHEETS[name]))
    assert torch.equal(projection.connected, weight > 0.3)
    assert list(projection.weight.shape) == [40, 1, int(near(*SHEETS[name]).sum(1).max())]


@every_sheet
@pytest.mark.parametrize("rule", [None, STDP()])
def test_the_current_is_that_of_a_masked_matrix(name, rule):
    projection = make(name, rule=rule, gain=2.0)
    dense = Dense(150, 40, rule=rule, gain=2.0)
    matrix = projection.matrix(projection.weight.detach())
    assert torch.equal(matrix != 0, near(*SHEETS[name]))
    dense.rewire({"weight": matrix})
    for shape in [(150,), (3, 4, 150)]:
        torch.testing.assert_close(projection(spikes_of(*shape)), dense(spikes_of(*shape)))


def test_gradients_reach_every_synapse():
    projection = make(trainable=True)
    spikes = torch.ones(2, 150).requires_grad_()
    projection(spikes).sum().backward()
    assert torch.equal(projection.matrix(projection.weight.grad) != 0, near(*SHEETS["square"]))
    torch.testing.assert_close(spikes.grad[0], projection.matrix(projection.weight.detach()).sum(0))


def test_a_neuron_is_a_place():
    projection, spikes = make(), spikes_of(2, 40)
    assert projection.groups == projection.places == 40
    assert torch.equal(projection.units(spikes), spikes[..., None])
    assert projection.has_fields


def test_a_large_layer_stores_its_pairs_only():
    below, here = Torus(20_000, 100.0), Square(20_000, 100.0, seed=1)
    projection = Local(20_000, 20_000, radius=1.5, below=below, here=here)
    fan_in = projection.weight.shape[2]
    assert fan_in < 60
    assert projection.exists.sum().item() / 20_000 == pytest.approx(2 * torch.pi * 1.5**2, rel=0.05)
    assert not projection.has_fields
    spikes = torch.zeros(1, 20_000)
    spikes[0, 7] = 1
    near = torch.linalg.vector_norm(below.displacement(here.positions - below.positions[7]), dim=1) < 1.5
    assert torch.equal(projection(spikes)[0] != 0, near)


def test_a_network_hands_over_both_sheets():
    below, here = SHEETS["shifted"]
    layers = {
        "below": SpikingLayer(below, LIF(10.0)),
        "above": SpikingLayer(here, LIF(10.0), projection=partial(Local, radius=3.0, rule=STDP())),
    }
    network = SpikingNetwork(layers)
    projection = network.projections["above"]
    expected = near(network.layer("below").geometry, network.layer("above").geometry)
    assert torch.equal(projection.matrix(projection.weight.detach()) != 0, expected)
    field = network.layer("above").node(3).field(network.connection("above"))
    assert torch.equal(field, projection.connected[3].nonzero()[:, 0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"radius": 0.0}, "radius must be a finite number above 0, got 0.0"),
        ({"radius": 0.1}, "radius = 0.1 is too small: no node of the source lies within it of place"),
        ({"below": None}, "Local needs the sheet below: build the projection in a network"),
        ({"here": None}, "Local needs the sheet here"),
        ({"num_post": 41}, "here must have 41 nodes, got a sheet of 40"),
    ],
)
def test_errors(changes, message):
    below, here = SHEETS["square"]
    options = {"num_pre": 150, "num_post": 40, "radius": 3.0, "below": below, "here": here, **changes}
    with pytest.raises(ValueError, match=message):
        Local(**options)
