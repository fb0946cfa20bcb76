"""Fields traced through the connections to the first sheet whose places mean something."""

from functools import partial

import pytest
import torch
from helpers.sheets import chain, units

from lightning_snn import (
    LIF,
    STDP,
    Columns,
    Connection,
    Dense,
    Local,
    PairSTDP,
    RoundFields,
    SpikingLayer,
    SpikingNetwork,
    Square,
)
from lightning_snn.development.composite import fields_of
from lightning_snn.development.report import field_measures

GRID = Square(225, 15.0, placement="grid")


def layer(number, make=None):
    return SpikingLayer(Square(number, 15.0), LIF(), projection=make)


def local_weights(sheet, centres, fan_in):
    """Units connected to the ``fan_in`` nodes nearest to each of ``centres``, all alike."""
    nearest = sheet.distances()[centres].topk(fan_in, largest=False).indices
    return torch.zeros(len(centres), sheet.num_nodes).scatter_(1, nearest, 1.0)


def three_layers(of_third):
    """Units of the second layer see round fields at places by chance, the third what it is given."""
    dense = partial(Dense, rule=STDP())
    layers = {"retina": SpikingLayer(GRID, LIF()), "lgn": layer(90, dense), "third": layer(20, dense)}
    network = SpikingNetwork(layers, seed=0)
    chance = torch.Generator().manual_seed(0)
    places = torch.randint(225, (90,), generator=chance)
    sheet = network.layer("retina").geometry
    network.weighted["lgn"].rewire({"weight": local_weights(sheet, places, 20)})
    between = sheet.distances()[places][:, places]
    network.weighted["third"].rewire({"weight": of_third(between, chance)})
    return network


def neighbours(between, chance):
    """Units of the second layer whose fields lie side by side on the retina."""
    centres = torch.randint(90, (20,), generator=chance)
    nearest = between[centres].topk(9, largest=False).indices
    return torch.zeros(20, 90).scatter_(1, nearest, 1.0)


def scattered(between, chance):
    del between
    return torch.zeros(20, 90).scatter_(1, torch.rand(20, 90, generator=chance).argsort(1)[:, :9], 1.0)


def test_a_composite_field_holds_the_nodes_above_half_of_the_largest_path_weight():
    network = three_layers(neighbours)
    first, second = network.weighted["lgn"], network.weighted["third"]
    for projection in (first, second):  # weights that differ, some of them below what counts as connected
        projection.rewire({"weight": projection.weight * torch.rand(projection.weight.shape)})
    found = fields_of(network, "third").connected
    for unit in range(20):
        paths = torch.zeros(225)
        for between in second.connected[unit].nonzero()[:, 0].tolist():
            share = second.weight[unit, between] / second.weight[unit][second.connected[unit]].sum()
            for node in first.connected[between].nonzero()[:, 0].tolist():
                own = first.weight[between, node] / first.weight[between][first.connected[between]].sum()
                paths[node] += (share * own).item()
        assert torch.equal(found[unit], paths > 0.5 * paths.max())


def test_fields_of_the_third_layer_are_localised_where_it_is_wired_and_not_where_it_is_scattered():
    wired, chance = (fields_of(three_layers(kind), "third") for kind in (neighbours, scattered))
    assert wired.layer == "retina"
    assert wired.stages == 2
    near, far = (field_measures(fields, target_share=0.15) for fields in (wired, chance))
    assert near["localised_share"] > 0.8
    assert far["localised_share"] < 0.2
    assert near["rms_radius"] < 0.6 * far["rms_radius"]


def test_direct_fields_stay_what_they_are():
    network = three_layers(neighbours)
    found = fields_of(network, "lgn")
    assert (found.layer, found.stages) == ("retina", 1)
    assert torch.equal(found.connected, network.weighted["lgn"].connected)


def test_places_mean_something_to_waves_that_come_from_them():
    network = three_layers(neighbours)
    found = fields_of(network, "third", driven=["lgn"])
    assert (found.layer, found.stages) == ("lgn", 1)
    assert torch.equal(found.connected, network.weighted["third"].connected)


def test_a_layer_that_sees_what_lies_below_its_places_keeps_them():
    local = partial(Local, radius=3.0, rule=PairSTDP())
    network = SpikingNetwork(
        {
            "retina": SpikingLayer(GRID, LIF()),
            "lgn": layer(90, local),
            "third": layer(20, partial(Dense, rule=STDP())),
        }
    )
    assert fields_of(network, "third").layer == "lgn"


def test_units_of_a_column_have_fields_of_their_own():
    columns = partial(Columns, fields=RoundFields(3.0, 30), rule=PairSTDP(initial_range=(0.5, 1.0)))
    network = SpikingNetwork(
        {
            "retina": SpikingLayer(GRID, LIF()),
            "lgn": layer(90, columns),
            "third": layer(20, partial(Dense, rule=STDP())),
        }
    )
    one = torch.zeros(20, 90)
    one[torch.arange(20), torch.arange(20)] = 1.0
    network.weighted["third"].rewire({"weight": one})
    weight = network.weighted["lgn"].matrix(network.weighted["lgn"].weight.detach())[:20]
    found = fields_of(network, "third").connected
    assert torch.equal(found, weight > 0.5 * weight.amax(1, keepdim=True))


def test_a_unit_without_a_field_has_no_composite_one():
    network = three_layers(neighbours)
    weight = network.weighted["third"].weight.detach().clone()
    weight[4] = 0
    network.weighted["third"].rewire({"weight": weight})
    assert fields_of(network, "third").connected.any(1).tolist() == [unit != 4 for unit in range(20)]


def test_loops_end():
    back = {"back": Connection("cortex", "lgn", partial(Dense, rule=PairSTDP()))}
    network = chain(units(12), units(6), connections=back)
    assert fields_of(network, "cortex").layer == "retina"
    assert fields_of(network, "back").layer in network.names


@pytest.mark.parametrize("name", ["lgn", "third"])
def test_projections_of_a_control_take_their_place(name):
    network, other = three_layers(neighbours), three_layers(scattered)
    expected = fields_of(other, name).connected
    assert torch.equal(fields_of(network, name, other.weighted).connected, expected)
